"""Serves WorkflowService."""

from __future__ import annotations

from collections.abc import AsyncIterator

from google.api import httpbody_pb2

from archwright import ids, payloads
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import (
    ArchwrightError,
    PayloadTooLarge,
    RequestInvalid,
    TaskNotFound,
    TransitionIllegal,
    WorkflowNotFound,
)
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.sse import event_text
from services.engine.api.views import (
    Told,
    event_view,
    status_number,
    status_of_number,
    task_view,
    told_by,
    workflow_view,
)
from services.engine.api.watch import Ended, Happened, Seen, StillThere, Watching
from services.engine.domain.beginning import canonical
from services.engine.domain.commands import CancelWorkflow, Repeated
from services.engine.domain.events import Json, WorkflowCancelled
from services.engine.domain.retelling import task_input
from services.engine.live import ProgressTold, TaskHanded
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.history import History, Summary, Wanted
from services.engine.ports.keys import Key
from services.engine.starts import Start, Starts

_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_HISTORY_DEFAULT, _HISTORY_MAX = 100, 1000
_WHOLE = 1_000_000
_STARTS_MAX = 1_000
_TEXT_CHARACTERS_MAX = 200
_REASON_CHARACTERS_MAX = 2_000


class WorkflowApi:
    """Answers callers about workflows."""

    def __init__(
        self,
        commands: Commands,
        starts: Starts,
        history: History,
        watching: Watching,
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._starts = starts
        self._history = history
        self._watching = watching
        self._clock = clock

    async def start_workflow(self, request: pb.StartWorkflowRequest, call: Call) -> pb.Workflow:
        """Start a workflow, or return the one that this request started before."""
        started = await self._starts.start(self._start(request, call))
        if started.answer is None or started.created is None:
            return await self._whole(started.key)
        answer = started.answer
        return workflow_view(started.key, started.created, answer.plan, answer.workflow, told_by(answer.events))

    async def start_workflows(self, request: pb.StartWorkflowsRequest, call: Call) -> pb.StartWorkflowsResponse:
        """Start workflows together; each succeeds or fails by itself."""
        if len(request.starts) > _STARTS_MAX:
            raise RequestInvalid(f"starts has {len(request.starts):,} elements; at most {_STARTS_MAX:,} are allowed.")
        outcomes: list[pb.StartOutcome] = []
        starts: list[Start] = []
        places: list[int] = []
        for place, each in enumerate(request.starts):
            outcomes.append(pb.StartOutcome())
            try:
                starts.append(self._start(each, call))
                places.append(place)
            except ArchwrightError as refusal:
                outcomes[place] = _refused(refusal)
        for place, outcome in zip(places, await self._starts.start_all(starts), strict=True):
            if isinstance(outcome, ArchwrightError):
                outcomes[place] = _refused(outcome)
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                outcomes[place] = pb.StartOutcome(workflow_id=outcome.key.workflow_id)
        return pb.StartWorkflowsResponse(outcomes=outcomes)

    async def get_workflow(self, request: pb.GetWorkflowRequest, call: Call) -> pb.Workflow:
        """Return a workflow with its input and output."""
        return await self._whole(_key(request.workflow_id, call))

    async def list_workflows(self, request: pb.ListWorkflowsRequest, call: Call) -> pb.ListWorkflowsResponse:
        """Return a page of workflows, newest first."""
        limit = _page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MAX)
        if request.page_token:
            _require_token(request.page_token)
        found = await self._history.summaries(
            call.caller.tenant,
            Wanted(
                status=status_of_number(request.status),
                definition_name=request.definition_name,
                after=request.page_token,
            ),
            limit=limit + 1,
        )
        page = found[:limit]
        return pb.ListWorkflowsResponse(
            workflows=[workflow_view(each.key, each.created, each.plan, each.workflow, None) for each in page],
            next_page_token=page[-1].key.workflow_id if len(found) > limit else "",
        )

    async def update_workflow_status(self, request: pb.UpdateWorkflowStatusRequest, call: Call) -> pb.Workflow:
        """Move a workflow to the wished status, if a caller may ask for it."""
        if request.status != pb.Workflow.CANCELLED:
            wished = pb.Workflow.Status.Name(request.status).lower().replace("status_unspecified", "nothing")
            raise RequestInvalid(
                f"status asks for {wished}. In this version a caller may ask for: cancelled.", facts={"status": wished}
            )
        return await self._cancel(request.workflow_id, request.reason, request.request_id, call)

    async def cancel_workflow(self, request: pb.CancelWorkflowRequest, call: Call) -> pb.Workflow:
        """Call a workflow off."""
        return await self._cancel(request.workflow_id, request.reason, request.request_id, call)

    async def list_history(self, request: pb.ListHistoryRequest, call: Call) -> pb.ListHistoryResponse:
        """Return a page of what happened."""
        key = _key(request.workflow_id, call)
        summary = await self._watching.require(key, request.after_seq)
        limit = _page_size(request.page_size, _HISTORY_DEFAULT, _HISTORY_MAX)
        found = await self._history.events(key, after_seq=request.after_seq, limit=limit + 1)
        page = found[:limit]
        return pb.ListHistoryResponse(
            events=[event_view(key, summary.plan, summary.created.request_id, each) for each in page],
            next_after_seq=page[-1].seq if len(found) > limit else 0,
        )

    async def watch_workflow(
        self, request: pb.WatchWorkflowRequest, call: Call
    ) -> AsyncIterator[pb.WatchWorkflowResponse]:
        """Follow a workflow."""
        key = _key(request.workflow_id, call)
        summary = await self._watching.require(key, request.after_seq)
        async for seen in self._watching.follow(key, request.after_seq):
            yield _response(summary, seen)

    async def watch_workflow_sse(
        self, request: pb.WatchWorkflowSseRequest, call: Call
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Follow a workflow as server-sent events."""
        key = _key(request.workflow_id, call)
        after_seq = _last_event_id(call) or request.after_seq
        summary = await self._watching.require(key, after_seq)
        # The first bytes tell the browser at once that it is connected.
        yield httpbody_pb2.HttpBody(content_type="text/event-stream", data=b": connected\n\n")
        async for seen in self._watching.follow(key, after_seq):
            yield httpbody_pb2.HttpBody(content_type="text/event-stream", data=event_text(_response(summary, seen)))

    async def get_task(self, request: pb.GetTaskRequest, call: Call) -> pb.Task:
        """Return a task with its input and result."""
        key = _key(request.workflow_id, call)
        summary = await self._summary(key)
        events = [each.event for each in await self._history.events(key, after_seq=0, limit=_WHOLE)]
        task = told_by(events).tasks.get(request.task_id)
        if task is None:
            raise TaskNotFound.named(request.task_id)
        open_tasks = {each.task_id: each for each in await self._history.open_tasks(key)}
        given = task_input(summary.plan, key.workflow_id, events, request.task_id)
        return task_view(key, summary.plan, task, open_tasks.get(request.task_id), given, whole=True)

    async def list_tasks(self, request: pb.ListTasksRequest, call: Call) -> pb.ListTasksResponse:
        """Return the tasks of a workflow."""
        key = _key(request.workflow_id, call)
        summary, told = await self._told(key)
        open_tasks = {each.task_id: each for each in await self._history.open_tasks(key)}
        return pb.ListTasksResponse(
            tasks=[
                task_view(key, summary.plan, task, open_tasks.get(task_id), None, whole=False)
                for task_id, task in told.tasks.items()
            ]
        )

    def _start(self, request: pb.StartWorkflowRequest, call: Call) -> Start:
        if not request.definition_name:
            raise RequestInvalid("definition_name is missing. `archwright definitions list` shows what can be started.")
        given = payloads.from_struct(request.input, root="input")
        _require_size(given)
        workflow_id = ids.show("wf", ids.new_uuid())
        return Start(
            tenant=call.caller.tenant,
            definition_name=request.definition_name,
            definition_version=request.definition_version,
            input=given,
            request_id=_short("request_id", request.request_id or call.request_id) or ids.show("req", ids.new_uuid()),
            user_id=call.caller.subject,
            session_id=_short("session_id", request.session_id),
            audit=audit_row(call, self._clock, f"workflows/{workflow_id}"),
            workflow_id=workflow_id,
        )

    async def _cancel(self, workflow_id: str, reason: str, request_id: str, call: Call) -> pb.Workflow:
        key = _key(workflow_id, call)
        request_id = _short("request_id", request_id or call.request_id)
        command = CancelWorkflow(self._clock.now(), call.caller.subject, reason[:_REASON_CHARACTERS_MAX], request_id)
        audit = audit_row(call, self._clock, f"workflows/{workflow_id}")
        try:
            await self._commands.submit(Asked(key, command, audit=audit))
        except Repeated:
            pass  # this very request has cancelled it: the answer is the same
        except TransitionIllegal:
            if not request_id or not await self._was_cancelled_by(key, request_id):
                raise
        return await self._whole(key)

    async def _was_cancelled_by(self, key: Key, request_id: str) -> bool:
        """Return whether this very request has cancelled the workflow before: then it gets the same answer."""
        events = await self._history.events(key, after_seq=0, limit=_WHOLE)
        return any(isinstance(each.event, WorkflowCancelled) and each.event.request_id == request_id for each in events)

    async def _whole(self, key: Key) -> pb.Workflow:
        summary, told = await self._told(key)
        return workflow_view(key, summary.created, summary.plan, summary.workflow, told)

    async def _summary(self, key: Key) -> Summary:
        summary = await self._history.summary(key)
        if summary is None:
            raise WorkflowNotFound.named(key.workflow_id)
        return summary

    async def _told(self, key: Key) -> tuple[Summary, Told]:
        summary = await self._summary(key)
        events = await self._history.events(key, after_seq=0, limit=_WHOLE)
        return summary, told_by(each.event for each in events)


def _key(workflow_id: str, call: Call) -> Key:
    """Return the key of a caller's workflow. An id that is none names no workflow, and is answered so."""
    try:
        ids.read("wf", workflow_id)
    except ids.MalformedId:
        raise WorkflowNotFound.named(workflow_id) from None
    return Key(call.caller.tenant, workflow_id)


def _require_size(given: Json) -> None:
    size = len(canonical(given))
    if size > payloads.LIMIT_BYTES:
        raise PayloadTooLarge(
            f"input has {size:,} bytes as JSON; the limit is {payloads.LIMIT_BYTES:,}. "
            "Put large content into an artifact instead.",
            facts={"field": "input", "size_bytes": str(size), "limit_bytes": str(payloads.LIMIT_BYTES)},
        )


def _refused(refusal: ArchwrightError) -> pb.StartOutcome:
    return pb.StartOutcome(reason=refusal.reason, message=refusal.message)


def _short(name: str, text: str) -> str:
    if len(text) > _TEXT_CHARACTERS_MAX:
        raise RequestInvalid(f"{name} is longer than {_TEXT_CHARACTERS_MAX} characters.")
    return text


def _page_size(asked: int, default: int, most: int) -> int:
    if asked < 0:
        raise RequestInvalid(f"page_size is {asked}; it must be from 0 to {most}.")
    return min(asked or default, most)


def _require_token(page_token: str) -> None:
    try:
        ids.read("wf", page_token)
    except ids.MalformedId:
        raise RequestInvalid(
            "page_token is not one that a list returned. Leave it out to begin at the first page."
        ) from None


def _last_event_id(call: Call) -> int | None:
    text = call.metadata.get("last-event-id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RequestInvalid(f"The header Last-Event-ID is {text[:40]!r}; it must be the number of an event.")
    return int(text)


def _response(summary: Summary, seen: Seen) -> pb.WatchWorkflowResponse:
    match seen:
        case Happened(numbered):
            event = event_view(summary.key, summary.plan, summary.created.request_id, numbered)
            return pb.WatchWorkflowResponse(event=event)
        case ProgressTold():
            return pb.WatchWorkflowResponse(
                progress=pb.TaskProgress(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=seen.attempt,
                    percent=seen.percent,
                    message=seen.message,
                )
            )
        case TaskHanded():
            return pb.WatchWorkflowResponse(
                progress=pb.TaskProgress(
                    task_id=seen.task_id,
                    step=seen.step,
                    agent_type=seen.agent_type,
                    agent_id=seen.agent_id,
                    attempt=seen.attempt,
                )
            )
        case StillThere(last_seq):
            return pb.WatchWorkflowResponse(heartbeat=pb.Heartbeat(last_seq=last_seq))
        case Ended(status, last_seq):
            ended = pb.WatchEnded(status=status_number(status), last_seq=last_seq)
            return pb.WatchWorkflowResponse(ended=ended)
