"""A workflow's state as JSON text, and back.

What is empty is left out, so that the state of a workflow of a few open steps has a few hundred bytes. The names
written here are read by every later version: they may be added to, never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import orjson
from immutables import Map

from archwright.language.model import ErrorCategory
from services.engine.domain.events import Parent
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import (
    Arrivals,
    Compensating,
    Exhausted,
    Failure,
    KeptOutput,
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenScope,
    OpenStep,
    OpenTask,
    OpenWait,
    Workflow,
)
from services.engine.storage.codec import moment


def dump_workflow(workflow: Workflow) -> bytes:
    """Return the text of a workflow's state."""
    state: dict[str, Any] = {"seq": workflow.last_seq, "created": workflow.created_at}
    plain = zip(_PLAIN.values(), _PLAIN_VALUES(workflow), strict=True)
    times = zip(_TIMES.values(), _TIME_VALUES(workflow), strict=True)
    maps = zip(_MAPS.values(), _MAP_VALUES(workflow), strict=True)
    state.update((name, value) for name, value in plain if value)
    state.update((name, moment) for name, moment in times if moment is not None)
    state.update((name, dict(mapped)) for name, mapped in maps if mapped)
    if workflow.open:
        state["open"] = {path: _open_text(step) for path, step in workflow.open.items()}
    if workflow.waiting:
        state["waiting"] = {path: [arrivals.settled, arrivals.taken] for path, arrivals in workflow.waiting.items()}
    if workflow.scopes:
        state["scopes"] = {scope: [found.live, *found.ends] for scope, found in workflow.scopes.items()}
    if workflow.outputs:
        state["outputs"] = {path: [kept.ref, kept.readers, kept.status] for path, kept in workflow.outputs.items()}
    if workflow.unhandled:
        state["unhandled"] = {path: _failure_text(failure) for path, failure in workflow.unhandled.items()}
    if workflow.exhausted:
        state["exhausted"] = {path: list(failed) for path, failed in workflow.exhausted.items()}
    if workflow.parent is not None:
        state["parent"] = [workflow.parent.workflow_id, workflow.parent.step]
    if (compensating := workflow.compensating) is not None:
        state["compensating"] = [compensating.steps, compensating.cause, _failure_text(compensating.failure)]
    return orjson.dumps(state)


_PLAIN: Mapping[str, str] = {
    "request_id": "request",
    "paused_by": "paused_by",
    "retries": "retries",
    "clock": "clock",
    "error": "error",
    "degraded": "degraded",
    "reached": "reached",
    "completed": "completed",
    "spent_tokens": "spent_tokens",
    "spent_micros": "spent_micros",
    "compensated": "compensated",
    "requests": "requests",
    "missing": "missing",
    "requesters": "requesters",
}
"""Fields that are written as they are, each with its name in the text."""

_TIMES: Mapping[str, str] = {
    "started_at": "started",
    "ended_at": "ended",
    "deadline": "deadline",
    "paused_at": "paused",
}
"""Fields that are times, each with its name in the text."""

_MAPS: Mapping[str, str] = {
    name: name
    for name in ("ready", "vars", "signals", "elements", "given_up", "edited", "due", "compensable", "agreed", "files")
}
"""Fields that are mappings of what JSON knows, each with its name in the text."""

_PLAIN_VALUES, _TIME_VALUES, _MAP_VALUES = attrgetter(*_PLAIN), attrgetter(*_TIMES), attrgetter(*_MAPS)


def load_workflow(workflow_id: str, status: WorkflowStatus, text: bytes) -> Workflow:
    """Return the state of a text that `dump_workflow` made."""
    state = orjson.loads(text)

    def mapped(name: str, read: Callable[[Any], Any] = lambda value: value) -> Map[str, Any]:
        return Map({key: read(value) for key, value in state.get(name, {}).items()})

    parent, compensating = state.get("parent"), state.get("compensating")
    return Workflow(
        workflow_id=workflow_id,
        status=status,
        last_seq=state.get("seq", 0),
        request_id=state.get("request", ""),
        parent=None if parent is None else Parent(*parent),
        created_at=moment(state.get("created")),
        started_at=moment(state.get("started")),
        ended_at=moment(state.get("ended")),
        deadline=moment(state.get("deadline")),
        paused_at=moment(state.get("paused")),
        paused_by=state.get("paused_by", ""),
        retries=state.get("retries", 0),
        clock=state.get("clock", 0),
        error=state.get("error", ""),
        degraded=state.get("degraded", False),
        missing=tuple(state.get("missing", ())),
        requesters=_requesters(state),
        agreed=mapped("agreed", tuple),
        files=mapped("files"),
        ready=mapped("ready"),
        reached=state.get("reached", 0),
        open=mapped("open", _open),
        waiting=mapped("waiting", lambda counts: Arrivals(*counts)),
        scopes=mapped("scopes", lambda found: OpenScope(found[0], tuple(found[1:]))),
        outputs=mapped("outputs", lambda kept: KeptOutput(*kept)),
        vars=mapped("vars"),
        signals=mapped("signals", tuple),
        given_up=mapped("given_up"),
        unhandled=mapped("unhandled", _failure),
        exhausted=mapped("exhausted", _exhausted),
        edited=mapped("edited"),
        due=mapped("due"),
        compensable=mapped("compensable", tuple),
        elements=mapped("elements"),
        compensating=None
        if compensating is None
        else Compensating(tuple(compensating[0]), compensating[1], _failure(compensating[2])),
        compensated=state.get("compensated", False),
        requests=tuple(state.get("requests", ())),
        completed=state.get("completed", 0),
        spent_tokens=state.get("spent_tokens", 0),
        spent_micros=state.get("spent_micros", 0),
    )


def _open_text(step: OpenStep) -> list[Any]:
    match step:
        case OpenTask():
            kept = [step.failures, step.attempt, step.retry_at, step.repairs, step.errors]
            return ["task", step.task_id, *_cut([*kept, step.idempotency_key, step.cache_key, dict(step.vars)])]
        case OpenHolder():
            gathered = {name: dict(refs) for name, refs in step.gathered.items()}
            counts = [step.count, step.begun, step.failed, step.case, step.items_seq]
            return ["holder", *counts, dict(step.results), gathered]
        case OpenWait():
            return ["wait", step.generation, step.until, step.signal]
        case OpenApproval():
            return [
                *("approval", step.approval_id, step.approvers, step.quorum, step.shown_sha256, step.generation),
                *(step.shown_seq, step.expires_at, step.agreed, step.escalated),
            ]
        case OpenChild():
            return ["child", step.child_id]
        case OpenFallback():
            return ["fallback", *_failure_text(step.failure)]


def _open(found: list[Any]) -> OpenStep:
    return _OPEN[found[0]](*found[1:])


def _open_task(  # the order of the text
    task_id: str,
    failures: int = 0,
    attempt: int = 0,
    retry_at: str | None = None,
    repairs: int = 0,
    errors: tuple[str, ...] | list[str] = (),
    idempotency_key: str = "",
    cache_key: str = "",
    vars_seen: Mapping[str, int] = MappingProxyType({}),
) -> OpenTask:
    return OpenTask(
        task_id,
        failures,
        attempt,
        moment(retry_at),
        repairs,
        tuple(errors),
        idempotency_key,
        cache_key,
        Map(vars_seen),
    )


def _open_holder(*found: Any) -> OpenHolder:
    count, begun, failed, case, items_seq, results, gathered = found
    by_name = Map({name: Map(refs) for name, refs in gathered.items()})
    return OpenHolder(count, begun, failed, case, items_seq, Map(results), by_name)


def _open_wait(generation: int, until: str | None, signal: str) -> OpenWait:
    return OpenWait(generation, moment(until), signal)


def _open_approval(*found: Any) -> OpenApproval:
    approval_id, approvers, quorum, shown_sha256, generation, shown_seq, expires_at, agreed, escalated = found
    return OpenApproval(
        approval_id,
        tuple(approvers),
        quorum,
        shown_sha256,
        generation,
        shown_seq,
        moment(expires_at),
        tuple(agreed),
        escalated,
    )


def _open_fallback(*found: Any) -> OpenFallback:
    return OpenFallback(_failure(list(found)))


_OPEN: Mapping[str, Callable[..., OpenStep]] = {
    "task": _open_task,
    "holder": _open_holder,
    "wait": _open_wait,
    "approval": _open_approval,
    "child": OpenChild,
    "fallback": _open_fallback,
}


def _failure_text(failure: Failure) -> list[Any]:
    return [failure.category, failure.code, failure.message]


def _failure(found: list[Any]) -> Failure:
    return Failure(ErrorCategory(found[0]), found[1], found[2])


def _requesters(state: Mapping[str, Any]) -> tuple[str, ...]:
    before = state.get("requester")  # of states that were written when there was one
    return tuple(state.get("requesters", [before] if before else ()))


def _exhausted(found: list[Any]) -> Exhausted:
    task_id, seq, attempts, category, code = found
    return Exhausted(task_id, seq, attempts, ErrorCategory(category), code)


def _cut(values: list[Any]) -> list[Any]:
    """Leave out what is empty at the end."""
    while values and not values[-1]:
        values.pop()
    return values
