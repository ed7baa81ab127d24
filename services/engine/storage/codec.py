"""Events and workflows as JSON text, and back.

An event is an object whose `type` is its name on the wire. Times are milliseconds since 1970. The names and
fields written here are read by every later version: they may be added to, never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from immutables import Map

from archwright.language.model import ErrorCategory, Priority
from services.engine.domain.events import ArtifactMade, Event
from services.engine.domain.telling import FIELDS, NAMES
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Arrivals, KeptOutput, OpenStep, Workflow

STATUS_NUMBER: Mapping[WorkflowStatus, int] = {
    WorkflowStatus.PENDING: 1,
    WorkflowStatus.RUNNING: 2,
    WorkflowStatus.COMPLETED: 3,
    WorkflowStatus.FAILED: 4,
    WorkflowStatus.CANCELLED: 5,
    WorkflowStatus.PAUSED: 6,
}
"""The numbers of the column `workflows.status`, the same as in the API."""

PRIORITY_NUMBER: Mapping[Priority, int] = {
    Priority.LOW: 1,
    Priority.NORMAL: 2,
    Priority.HIGH: 3,
    Priority.CRITICAL: 4,
}
"""The numbers of the column `open_tasks.priority`: the more urgent, the higher."""

PRIORITY_OF_NUMBER = {number: priority for priority, number in PRIORITY_NUMBER.items()}


_KINDS: Mapping[str, type[Event]] = {name: kind for kind, name in NAMES.items()}


def dump_events(events: Sequence[Event]) -> bytes:
    """Return the text of events in a row."""
    return orjson.dumps([_event_object(event) for event in events])


def load_events(text: bytes) -> list[Event]:
    """Return the events of a text that `dump_events` made."""
    return [_event(each) for each in orjson.loads(text)]


def dump_workflow(workflow: Workflow) -> bytes:
    """Return the text of a workflow's state."""
    state = {
        "seq": workflow.last_seq,
        "request": workflow.request_id,
        "created": _ms(workflow.created_at),
        "started": _ms(workflow.started_at),
        "ended": _ms(workflow.ended_at),
        "deadline": _ms(workflow.deadline),
        "retries": workflow.retries,
        "error": workflow.error,
        "open": {
            step: [task.task_id, task.failures, task.attempt, _ms(task.retry_at)]
            for step, task in workflow.open.items()
        },
        "waiting": {step: [arrivals.settled, arrivals.taken] for step, arrivals in workflow.waiting.items()},
        "outputs": {step: [kept.seq, kept.readers] for step, kept in workflow.outputs.items()},
        "given_up": workflow.given_up,
        "completed": workflow.completed,
    }
    return orjson.dumps({name: value for name, value in state.items() if value})


def load_workflow(workflow_id: str, status: WorkflowStatus, text: bytes) -> Workflow:
    """Return the state of a text that `dump_workflow` made."""
    state = orjson.loads(text)
    return Workflow(
        workflow_id=workflow_id,
        status=status,
        last_seq=state.get("seq", 0),
        request_id=state.get("request", ""),
        created_at=_time(state.get("created")),
        started_at=_time(state.get("started")),
        ended_at=_time(state.get("ended")),
        deadline=_time(state.get("deadline")),
        retries=state.get("retries", 0),
        error=state.get("error", ""),
        open=Map(
            {
                step: OpenStep(task_id, failures, attempt, _time(retry_at))
                for step, (task_id, failures, attempt, retry_at) in state.get("open", {}).items()
            }
        ),
        waiting=Map({step: Arrivals(*counts) for step, counts in state.get("waiting", {}).items()}),
        outputs=Map({step: KeptOutput(*kept) for step, kept in state.get("outputs", {}).items()}),
        given_up=tuple(state.get("given_up", ())),
        completed=state.get("completed", 0),
    )


def _event_object(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {"type": NAMES[type(event)]}
    for name in FIELDS[type(event)]:
        value = getattr(event, name)
        if isinstance(value, datetime):
            value = _ms(value)
        elif name == "artifacts":
            value = [[made.name, made.sha256] for made in value]
        found[name] = value
    return found


def _event(found: dict[str, Any]) -> Event:
    kind = _KINDS[found.pop("type")]
    for name, read in _READERS.items():
        if found.get(name) is not None:
            found[name] = read(found[name])
    return kind(**found)


def _ms(value: datetime | None) -> int | None:
    return None if value is None else round(value.timestamp() * 1000)


def _time(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def _artifacts(value: list[list[str]]) -> tuple[ArtifactMade, ...]:
    return tuple(ArtifactMade(name, sha256) for name, sha256 in value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "at": _time,
    "deadline": _time,
    "queue_by": _time,
    "retry_at": _time,
    "priority": Priority,
    "category": ErrorCategory,
    "artifacts": _artifacts,
}
