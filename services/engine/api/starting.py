"""Starts workflows for callers: one, many, or one that goes on from another."""

from __future__ import annotations

from archwright import ids
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import ArchwrightError, RequestInvalid
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.past import past_of, read_vars
from services.engine.api.reading import Reading
from services.engine.api.requests import given, json_of, key_of, request_id_of, short
from services.engine.api.views import workflow_view
from services.engine.domain.events import Event, WorkflowCreated
from services.engine.domain.rerunning import reusable
from services.engine.ports.history import History
from services.engine.ports.keys import Key
from services.engine.starts import Start, Started, Starts

_STARTS_MAX = 1_000
_PAGE = 500
_PATH_CHARACTERS_MAX = 1_000


class Starting:
    """Answers callers who start."""

    def __init__(self, starts: Starts, history: History, reading: Reading, clock: Clock) -> None:
        self._starts = starts
        self._history = history
        self._reading = reading
        self._clock = clock

    async def start_workflow(self, request: pb.StartWorkflowRequest, call: Call) -> pb.Workflow:
        """Start a workflow, or return the one that this request started before."""
        return await self._told(await self._starts.start(self._start(request, call)))

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

    async def rerun_workflow(self, request: pb.RerunWorkflowRequest, call: Call) -> pb.Workflow:
        """Start a workflow that takes over what another has finished, but for what is downstream of a step."""
        key = key_of(request.workflow_id, call)
        from_step = given("from_step", request.from_step, _PATH_CHARACTERS_MAX)
        summary = await self._reading.summary(key)
        events = await self._whole_history(key)
        created = events[0]
        assert isinstance(created, WorkflowCreated)
        workflow_id = ids.show("wf", ids.new_uuid())
        start = Start(
            tenant=call.caller.tenant,
            definition_name=summary.created.definition_name,
            definition_version=summary.created.definition_version,
            input=json_of("input", request.input) if request.HasField("input") else created.input,
            request_id=_request_id(request.request_id, call),
            user_id=call.caller.subject,
            session_id=short("session_id", request.session_id) or summary.created.session_id,
            audit=audit_row(call, self._clock, f"workflows/{key.workflow_id}"),
            workflow_id=workflow_id,
            rerun_of=key.workflow_id,
            from_step=from_step,
            reused=reusable(summary.plan, events, from_step),
        )
        return await self._told(await self._starts.start(start))

    def _start(self, request: pb.StartWorkflowRequest, call: Call) -> Start:
        if not request.definition_name:
            raise RequestInvalid("definition_name is missing. `archwright definitions list` shows what can be started.")
        workflow_id = ids.show("wf", ids.new_uuid())
        return Start(
            tenant=call.caller.tenant,
            definition_name=request.definition_name,
            definition_version=request.definition_version,
            input=json_of("input", request.input),
            request_id=_request_id(request.request_id, call),
            user_id=call.caller.subject,
            session_id=short("session_id", request.session_id),
            audit=audit_row(call, self._clock, f"workflows/{workflow_id}"),
            workflow_id=workflow_id,
        )

    async def _told(self, started: Started) -> pb.Workflow:
        """Return the workflow as its commit left it, or as it is now if it was started before."""
        key, answer = started.key, started.answer
        if answer is None or started.created is None:
            return await self._reading.whole(key)
        shared = await read_vars(self._history, key, answer.workflow.vars)
        return workflow_view(key, started.created, answer.plan, answer.workflow, past_of(answer.events), shared)

    async def _whole_history(self, key: Key) -> list[Event]:
        events: list[Event] = []
        while page := await self._history.events(key, after_seq=len(events), limit=_PAGE):
            events.extend(numbered.event for numbered in page)
        return events


def _request_id(request_id: str, call: Call) -> str:
    return request_id_of(request_id, call) or ids.show("req", ids.new_uuid())


def _refused(refusal: ArchwrightError) -> pb.StartOutcome:
    return pb.StartOutcome(reason=refusal.reason, message=refusal.message)
