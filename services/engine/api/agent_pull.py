"""The agents' stream for those that cannot stream: tasks are pulled, and what becomes of them is said call by call.

The same leases and fences hold. A session of such an agent belongs to no replica, so each call may reach another
one: what the agent holds is asked of the database each time, and every call about it renews its lease.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence

from google.protobuf.struct_pb2 import Struct

from archwright import ids, payloads
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import LeaseLost, RequestInvalid, RoleDenied, Violation, WorkflowNotFound
from archwright.problem.v1.reason_pb2 import ErrorCategory
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.agent_frames import OUTCOMES, duration, fill_budget, named
from services.engine.api.registered import require_registered
from services.engine.api.reports import RETRY_AFTER_SECONDS_MAX, Reports
from services.engine.api.requests import json_of
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import PLATFORM, Dispatch
from services.engine.domain.events import ENDED_BY_THE_ENGINE, TaskCompleted, TaskFailed, TaskRepairRequested
from services.engine.ports.history import History
from services.engine.ports.keys import Fence, Key
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import Held, Revoker, Slot, TaskBoard
from services.engine.pulls import Pulls
from services.engine.sessions import Assignment, HeldTask, Session

SLOTS_MAX = 1_000
WAIT_SECONDS_MAX = 30.0
_HISTORY_PAGE = 1_000


class AgentPull:
    """Answers agents that pull."""

    def __init__(
        self,
        board: TaskBoard,
        dispatch: Dispatch,
        gate: BreakerGate,
        assigner: Assigner,
        reports: Reports,
        history: History,
        revoker: Revoker,
        roster: Roster,
        pulls: Pulls,
        clock: Clock,
        *,
        lease_seconds: float,
    ) -> None:
        self._board = board
        self._dispatch = dispatch
        self._gate = gate
        self._assigner = assigner
        self._reports = reports
        self._history = history
        self._revoker = revoker
        self._roster = roster
        self._pulls = pulls
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._lease_ttl = duration(lease_seconds)

    async def pull_tasks(self, request: pb.PullTasksRequest, call: Call) -> pb.PullTasksResponse:
        """Give the agent tasks, waiting for some where none are there, and tell what it holds."""
        _require_own(request.agent_id, call)
        slots, wait_seconds = request.slots, request.wait.ToNanoseconds() / 1e9
        _require(0 <= slots <= SLOTS_MAX, "slots", f"must be from 0 to {SLOTS_MAX}")
        _require(0 <= wait_seconds <= WAIT_SECONDS_MAX, "wait", f"must be from 0 to {WAIT_SECONDS_MAX:g} seconds")
        await require_registered(self._roster, self._clock, call.caller.tenant, request.agent_id, then="pull")
        patience = self._clock.monotonic() + wait_seconds
        known: set[Fence] = set()
        while True:
            bell = self._pulls.bell()
            session_id, held, left = await self._board.pull_session(
                request.agent_id, call.caller.agent_type, call.caller.tenant
            )
            if left:
                await self._revoker.revoke(left)
            session = self._session(session_id, call)
            room = self._dispatch.slots_max(session) - len(held)
            given = await self._claim(session, min(slots, max(room, 0)))
            patience_left = patience - self._clock.monotonic()
            # An agent that waits for more while it works hears at once that something was called off.
            has_lost = not known.issubset(held)
            if given or has_lost or not slots or patience_left <= 0 or self._pulls.is_closed:
                return self._answer(given, held)
            known.update(held)
            # To look renews the lease of whoever waits.
            await self._pulls.wait(bell, min(patience_left, self._lease_seconds / 3))

    async def accept_task(self, request: pb.AcceptTaskRequest, call: Call) -> pb.AcceptTaskResponse:
        """Note that the agent takes a task."""
        held = await self._held(request, call)
        await self._board.accept([held.fence])
        return pb.AcceptTaskResponse(lease_ttl=self._lease_ttl)

    async def report_progress(self, request: pb.ReportProgressRequest, call: Call) -> pb.ReportProgressResponse:
        """Pass on how a task is getting on."""
        _require(math.isfinite(request.percent), "percent", "must be a number from 0 to 100")
        held = await self._held(request, call)
        told = pb.Progress(percent=request.percent, message=request.message)
        self._reports.progress(self._session(ids.new_uuid(), call), self._task_of(held), told)
        return pb.ReportProgressResponse(lease_ttl=self._lease_ttl)

    async def submit_result(self, request: pb.SubmitResultRequest, call: Call) -> pb.SubmitResultResponse:
        """Commit how a task ended, and tell what became of that."""
        _require_own(request.agent_id, call)
        told = _told(request)
        fence = _fence_of(request)
        held = await self._board.held_by(call.caller.tenant, request.agent_id, fence)
        if held is None:
            if await self._was_counted(request, fence, call):
                return pb.SubmitResultResponse(outcome=pb.ResultAck.DUPLICATE, message="It counted before.")
            message = "The task has ended, or belongs to another attempt."
            return pb.SubmitResultResponse(outcome=pb.ResultAck.STALE, message=message)
        outcome, message = await self._reports.settle(self._session(ids.new_uuid(), call), self._task_of(held), told)
        return pb.SubmitResultResponse(outcome=OUTCOMES[outcome], message=message)

    def _session(self, session_id: uuid.UUID, call: Call) -> Session:
        """Return a session for this call only; what outlasts it is in the database."""
        caller = call.caller
        known = self._roster.find(caller.tenant, caller.subject)
        capabilities = known.capabilities if known is not None else ()
        return Session(session_id, caller.subject, caller.agent_type, caller.tenant, capabilities)

    async def _claim(self, session: Session, slots: int) -> Sequence[Assignment]:
        """Assign waiting tasks to the agent, as many as it has slots for."""
        given: list[Assignment] = []
        for tenant, queue in await self._board.waiting_queues() if slots else ():
            free = slots - len(session.held)
            if free > 0 and self._dispatch.may_take(session, tenant, queue):
                free = await self._gate.admit(tenant, session.agent_type, free)
                room = [Slot(session.session_id, ids.new_uuid()) for _ in range(free)]
                claimed = await self._board.claim(queue, tenant, room) if room else ()
                await self._gate.give_back(tenant, session.agent_type, free - len(claimed))
                await self._assigner.prepare(claimed, session)
        if session.held:
            given.extend(frame for frame in await session.take() if isinstance(frame, Assignment))
        return given

    def _answer(self, given: Sequence[Assignment], held: Sequence[Fence]) -> pb.PullTasksResponse:
        response = pb.PullTasksResponse(
            held=[named(fence.task_id, fence.attempt, fence.lease_id) for fence in held], lease_ttl=self._lease_ttl
        )
        for assignment in given:
            response.held.append(named(assignment.task_id, assignment.attempt, assignment.lease_id))
            task = response.tasks.add(
                delivery=response.held[-1],
                idempotency_key=assignment.idempotency_key,
                workflow_id=assignment.key.workflow_id,
                step=assignment.step,
                task_type=assignment.task_type,
                input=_struct(assignment.input, "input"),
                context=_struct(assignment.context, "context"),
                repair_errors=assignment.repair_errors,
                tenant=assignment.key.tenant,
                failures=assignment.failures,
            )
            task.deadline.FromDatetime(assignment.deadline)
            if assignment.budget is not None:
                fill_budget(task.budget, assignment.budget)
        return response

    async def _held(self, request: pb.AcceptTaskRequest | pb.ReportProgressRequest, call: Call) -> Held:
        _require_own(request.agent_id, call)
        held = await self._board.held_by(call.caller.tenant, request.agent_id, _fence_of(request))
        if held is None:
            raise LeaseLost(
                f"Agent {request.agent_id!r} does not hold task {request.task_id!r} under lease {request.lease_id!r}, "
                "or no longer. Stop working on it; its result would not count.",
                facts={"agent_id": request.agent_id, "task_id": request.task_id, "lease_id": request.lease_id},
            )
        return held

    def _task_of(self, held: Held) -> HeldTask:
        fence = held.fence
        assert fence.lease_id is not None
        return HeldTask(
            *(held.key, fence.task_id, fence.attempt, fence.lease_id, held.step, ids.show("lease", fence.lease_id)),
            accepted=True,
            handed_at=self._clock.monotonic() - held.seconds,
        )

    async def _was_counted(self, request: pb.SubmitResultRequest, fence: Fence, call: Call) -> bool:
        """Return whether this very attempt's word is in history already, if the request says in which."""
        if not request.workflow_id:
            return False
        try:
            ids.read("wf", request.workflow_id)
        except ids.MalformedId:
            raise WorkflowNotFound.named(request.workflow_id) from None
        # Only agents of the platform hold tasks of other tenants than their own.
        tenant = request.tenant if call.caller.tenant == PLATFORM and request.tenant else call.caller.tenant
        _require("\x00" not in tenant, "tenant", "is none of ours; send back what the task came with")
        key, after_seq = Key(tenant, request.workflow_id), 0
        while page := await self._history.events(key, after_seq=after_seq, limit=_HISTORY_PAGE):
            for numbered in page:
                after_seq, event = numbered.seq, numbered.event
                if (
                    isinstance(event, TaskCompleted | TaskFailed | TaskRepairRequested)
                    and (event.task_id, event.attempt) == (fence.task_id, fence.attempt)
                    and event.agent_id == request.agent_id
                    and not (isinstance(event, TaskFailed) and event.code in ENDED_BY_THE_ENGINE)
                ):
                    return True
        return False


def _require_own(agent_id: str, call: Call) -> None:
    if agent_id != call.caller.subject:
        raise RoleDenied(
            f"The token belongs to agent {call.caller.subject!r} and speaks for no other.",
            facts={"agent_id": agent_id},
        )


def _require(is_right: bool, field: str, description: str) -> None:
    if not is_right:
        raise RequestInvalid(f"`{field}` {description}.", violations=[Violation(field, description)])


def _fence_of(request: pb.AcceptTaskRequest | pb.ReportProgressRequest | pb.SubmitResultRequest) -> Fence:
    try:
        ids.read("task", request.task_id)
    except ids.MalformedId:
        raise _no_id("task_id", request.task_id) from None
    try:
        return Fence(request.task_id, request.attempt, ids.read("lease", request.lease_id))
    except ids.MalformedId:
        raise _no_id("lease_id", request.lease_id) from None


def _no_id(field: str, text: str) -> RequestInvalid:
    description = f"is {text[:80]!r}, which is none of ours; send back what the task came with"
    return RequestInvalid(f"`{field}` {description}.", violations=[Violation(field, description)])


def _told(request: pb.SubmitResultRequest) -> pb.Result | pb.Failure:
    match request.WhichOneof("ending"):
        case "output":
            output = payloads.canonical(json_of("output", request.output))
            usage = request.usage if request.HasField("usage") else None
            return pb.Result(output=output, artifacts=request.artifacts, usage=usage)
        case "failure":
            told = request.failure
            _require(told.category in ErrorCategory.values(), "failure.category", "is none of ErrorCategory")
            after_seconds = told.retry_after.ToNanoseconds() / 1e9
            _require(
                0 <= after_seconds <= RETRY_AFTER_SECONDS_MAX,
                "failure.retry_after",
                f"must be from 0 to {RETRY_AFTER_SECONDS_MAX} seconds, which is a day",
            )
            return pb.Failure(
                category=told.category, code=told.code, message=told.message, retry_after=told.retry_after
            )
        case _:
            raise RequestInvalid(
                "`output` or `failure` must be given: how did the task end?",
                violations=[Violation("output", "or `failure` must be given")],
            )


def _struct(text: bytes, root: str) -> Struct:
    value = payloads.parse(text, root=root) if text else {}
    return payloads.to_struct(value if isinstance(value, dict) else {root: value}, root=root)
