"""Steers workflows: pause, resume, cancel, retry and signal.

Each call is one command. A request that is repeated changes nothing and is answered with the workflow as it is now;
the same request_id with another request is refused, as far as the newest events still tell what it was.
"""

from __future__ import annotations

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestIdReused, RequestInvalid
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.past import newest
from services.engine.api.reading import Reading
from services.engine.api.requests import WORDS_CHARACTERS_MAX, given, json_of, key_of, request_id_of, short
from services.engine.domain.commands import (
    CancelWorkflow,
    DecideApproval,
    PauseWorkflow,
    RedriveTask,
    Repeated,
    ResumeWorkflow,
    RetryWorkflow,
    SignalWorkflow,
)
from services.engine.domain.events import (
    ApprovalDecided,
    Event,
    SignalReceived,
    WorkflowCancelled,
    WorkflowPaused,
    WorkflowResumed,
    WorkflowRetried,
)
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.history import History
from services.engine.ports.keys import Key

Steer = PauseWorkflow | ResumeWorkflow | CancelWorkflow | RetryWorkflow | RedriveTask | SignalWorkflow | DecideApproval
"""What callers may ask of a workflow that is there."""


class Steering:
    """Answers callers who steer."""

    def __init__(self, commands: Commands, history: History, reading: Reading, clock: Clock) -> None:
        self._commands = commands
        self._history = history
        self._reading = reading
        self._clock = clock

    async def update_workflow_status(self, request: pb.UpdateWorkflowStatusRequest, call: Call) -> pb.Workflow:
        """Move a workflow to the wished status, if a caller may ask for it."""
        match request.status:
            case pb.Workflow.PAUSED:
                return await self._pause(request.workflow_id, request.reason, request.request_id, call)
            case pb.Workflow.CANCELLED:
                return await self._cancel(request.workflow_id, request.reason, request.request_id, call)
            case pb.Workflow.RUNNING:
                return await self._run(request.workflow_id, request.request_id, call)
            case _:
                wished = pb.Workflow.Status.Name(request.status).lower().replace("status_unspecified", "nothing")
                raise RequestInvalid(
                    f"status asks for {wished}. A caller may ask for: cancelled, paused, running.",
                    facts={"status": wished},
                )

    async def pause_workflow(self, request: pb.PauseWorkflowRequest, call: Call) -> pb.Workflow:
        """Begin nothing new."""
        return await self._pause(request.workflow_id, request.reason, request.request_id, call)

    async def resume_workflow(self, request: pb.ResumeWorkflowRequest, call: Call) -> pb.Workflow:
        """Go on."""
        command = ResumeWorkflow(self._clock.now(), call.caller.subject, request_id_of(request.request_id, call))
        return await self._steer(request.workflow_id, command, call)

    async def cancel_workflow(self, request: pb.CancelWorkflowRequest, call: Call) -> pb.Workflow:
        """Call a workflow off."""
        return await self._cancel(request.workflow_id, request.reason, request.request_id, call)

    async def retry_workflow(self, request: pb.RetryWorkflowRequest, call: Call) -> pb.Workflow:
        """Go on from what failed."""
        command = RetryWorkflow(self._clock.now(), call.caller.subject, request_id_of(request.request_id, call))
        return await self._steer(request.workflow_id, command, call)

    async def signal_workflow(self, request: pb.SignalWorkflowRequest, call: Call) -> pb.Workflow:
        """Take a word from outside."""
        command = SignalWorkflow(
            self._clock.now(),
            given("name", request.name),
            json_of("payload", request.payload),
            call.caller.subject,
            request_id_of(request.request_id, call),
        )
        return await self._steer(request.workflow_id, command, call)

    async def obey(self, key: Key, command: Steer, call: Call, resource: str) -> None:
        """Commit a command, unless this very request has been served before.

        Raises RequestIdReused when its request_id came with another request, and what `Commands.submit` raises.
        """
        try:
            await self._commands.submit(Asked(key, command, audit=audit_row(call, self._clock, resource)))
        except Repeated:
            await self._require_same(key, command)

    async def _pause(self, workflow_id: str, reason: str, request_id: str, call: Call) -> pb.Workflow:
        words = short("reason", reason, WORDS_CHARACTERS_MAX)
        request_id = request_id_of(request_id, call)
        return await self._steer(
            workflow_id, PauseWorkflow(self._clock.now(), call.caller.subject, words, request_id), call
        )

    async def _cancel(self, workflow_id: str, reason: str, request_id: str, call: Call) -> pb.Workflow:
        words = short("reason", reason, WORDS_CHARACTERS_MAX)
        request_id = request_id_of(request_id, call)
        return await self._steer(
            workflow_id, CancelWorkflow(self._clock.now(), call.caller.subject, words, request_id), call
        )

    async def _run(self, workflow_id: str, request_id: str, call: Call) -> pb.Workflow:
        """Resume or retry: the one of the two that leads to running from where the workflow is."""
        summary = await self._reading.summary(key_of(workflow_id, call))
        is_retry = summary.workflow.status is WorkflowStatus.FAILED
        wish = RetryWorkflow if is_retry else ResumeWorkflow
        command = wish(self._clock.now(), call.caller.subject, request_id_of(request_id, call))
        return await self._steer(workflow_id, command, call)

    async def _steer(self, workflow_id: str, command: Steer, call: Call) -> pb.Workflow:
        key = key_of(workflow_id, call)
        await self.obey(key, command, call, f"workflows/{workflow_id}")
        return await self._reading.whole(key)

    async def _require_same(self, key: Key, command: Steer) -> None:
        summary = await self._reading.summary(key)
        async for numbered in newest(self._history, key, summary.workflow.last_seq):
            if getattr(numbered.event, "request_id", "") == command.request_id and not _asks(command, numbered.event):
                raise RequestIdReused(
                    f"request_id {command.request_id!r} came before with another request to workflow "
                    f"{key.workflow_id}. Use a new one, or leave it out.",
                    facts={"request_id": command.request_id, "workflow_id": key.workflow_id},
                )


def _asks(command: Steer, event: Event) -> bool:
    """Return whether the event is what the command asks for."""
    match command, event:
        case PauseWorkflow(reason=reason), WorkflowPaused():
            return event.reason == reason
        case CancelWorkflow(reason=reason), WorkflowCancelled():
            return event.reason == reason
        case RedriveTask(), WorkflowRetried():
            return (event.step, event.input) == (command.step, command.input)
        case ((ResumeWorkflow() | RetryWorkflow()), (WorkflowResumed() | WorkflowRetried())):
            return True  # one wish, `running`, of which the workflow's status says which it is
        case SignalWorkflow(), SignalReceived():
            return (event.name, event.payload) == (command.name, command.payload)
        case DecideApproval(), ApprovalDecided():
            return (event.approval_id, event.approved, event.comment) == (
                command.approval_id,
                command.approved,
                command.comment,
            )
        case _:
            return False
