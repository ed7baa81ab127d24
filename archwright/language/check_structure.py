"""What can be known to be wrong with the steps of a definition, apart from their expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from archwright.errors import Violation

from .bodies import FAILURE, OUTCOME, PlacedBody
from .model import (
    REQUESTER,
    RESERVED_NAMES,
    AgentTask,
    Approval,
    ForEach,
    OnExpiry,
    OnFailure,
    OnUnavailable,
    Parallel,
    Step,
    Wait,
)
from .syntax import RESERVED
from .versions import Range, RangeInvalid
from .vocabulary import did_you_mean

BODIES_OF_EVERY_STEP = frozenset({"fallback", "compensate"})
"""What the scopes are called of what stands in for a step and of what undoes it, so no branch may be."""


def names(bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    """Yield what is wrong with the names and ids of steps, which are unique over all bodies."""
    first_places: dict[str, str] = {}
    id_places: dict[str, str] = {}
    for body in bodies:
        for position, step in enumerate(body.steps):
            path = body.step_path(position)
            if step.name in RESERVED_NAMES:
                yield Violation(f"{path}.name", f"{step.name!r} has a meaning of its own; choose another name")
            elif step.name in first_places:
                yield Violation(f"{path}.name", f"{step.name!r} is the name of {first_places[step.name]} already")
            first_places.setdefault(step.name, path)
            if step.step_id and step.step_id in id_places:
                yield Violation(f"{path}.step_id", f"{step.step_id!r} is the id of {id_places[step.step_id]} already")
            id_places.setdefault(step.step_id, path)


def loop_names(bodies: Sequence[PlacedBody], fields: frozenset[str] | None) -> Iterator[Violation]:
    """Yield what is wrong with the names that elements are given; `fields` are those of the input, if declared."""
    step_names = {step.name for body in bodies for step in body.steps}
    for body in bodies:
        for position, step in enumerate(body.steps):
            if not isinstance(step.kind, ForEach):
                continue
            name = step.kind.as_
            if name in RESERVED_NAMES | {FAILURE, OUTCOME}:
                said = "has a meaning of its own"
            elif name in RESERVED:
                said = "is a word of expressions"
            elif name in step_names:
                said = "is the name of a step"
            elif fields is not None and name in fields:
                said = "is an input field"
            elif name in body.locals:
                said = "is the element of a `foreach` around this one"
            else:
                continue
            yield Violation(f"{body.step_path(position)}.foreach.as", f"{name!r} {said}; choose another name")


def reach(body: PlacedBody) -> Iterator[Violation]:
    """Yield what is wrong with where the steps of a body lead, and what nothing leads to."""
    yield from body.graph_violations
    if body.graph is None:
        return
    for position in body.graph.unreachable():
        name = body.steps[position].name
        before = body.steps[position - 1].name
        yield Violation(
            body.step_path(position),
            f"no path leads to {name!r}; let a `next` lead to it, or take away what leads past it after {before!r}",
        )


def separations(bodies: Sequence[PlacedBody]) -> Iterator[Violation]:
    """Yield what approvals are separated from that is no approval."""
    steps = [(step, body.step_path(place)) for body in bodies for place, step in enumerate(body.steps)]
    approvals = {step.name for step, _ in steps if isinstance(step.kind, Approval)}
    for step, path in steps:
        if not isinstance(step.kind, Approval):
            continue
        for name in step.kind.separate_from:
            if name == step.name:
                said = "an approval takes nobody twice as it is; leave out its own name"
                yield Violation(f"{path}.approval.separate_from", said)
            elif name != REQUESTER and name not in approvals:
                hint = did_you_mean(name, {REQUESTER, *approvals} - {step.name})
                yield Violation(f"{path}.approval.separate_from", f"there is no approval step {name!r}{hint}")


def undoing(body: PlacedBody) -> Iterator[Violation]:
    """Yield the compensations of what is itself part of a compensation."""
    if body.is_undoing:
        for position, each in enumerate(body.steps):
            if each.compensate is not None:
                said = "a compensation is not undone itself; leave it out"
                yield Violation(f"{body.step_path(position)}.compensate", said)


def step(step: Step, path: str) -> Iterator[Violation]:
    """Yield what is wrong with one step by itself."""
    if step.parallel_execution and step.depends_on is not None:
        said = "means nothing beside `depends_on`, which says already what the step waits for; leave one of them out"
        yield Violation(f"{path}.parallel_execution", said)
    if step.on_failure is OnFailure.FALLBACK and step.fallback is None:
        yield Violation(f"{path}.on_failure", "there is no `fallback`; say which step or output it is")
    match step.kind:
        case AgentTask() as task:
            yield from _task(step, task, path)
        case Parallel() as parallel:
            yield from _parallel(parallel, f"{path}.parallel")
        case Approval() as approval:
            yield from _approval(approval, f"{path}.approval")
        case Wait(until=until) if until is not None and "${" not in until and not _is_time(until):
            yield Violation(f"{path}.wait.until", f"there is no such time as {until!r}")
        case _:
            pass


def _parallel(parallel: Parallel, path: str) -> Iterator[Violation]:
    if parallel.join is not None and parallel.join > len(parallel.branches):
        said = f"waits for {parallel.join} branches, but there are only {len(parallel.branches)}"
        yield Violation(f"{path}.join", said)
    for branch in parallel.branches:
        if branch.name in BODIES_OF_EVERY_STEP:
            said = f"what stands in for a step or undoes it is called {branch.name!r}; choose another name"
            yield Violation(f"{path}.branches.{branch.name}", said)


def _task(step: Step, task: AgentTask, path: str) -> Iterator[Violation]:
    if task.on_unavailable is OnUnavailable.FALLBACK and step.fallback is None:
        yield Violation(f"{path}.on_unavailable", "there is no `fallback`; say which step or output it is")
    _, separator, versions = task.capability.partition("@")
    if separator:
        try:
            Range.read(versions)
        except RangeInvalid as error:
            yield Violation(f"{path}.capability", str(error))


def _approval(approval: Approval, path: str) -> Iterator[Violation]:
    people = [approver for approver in approval.approvers if approver.startswith("user:")]
    if len(people) == len(approval.approvers) and approval.quorum > len(people):
        yield Violation(f"{path}.quorum", f"{approval.quorum} must agree, but there are only {len(people)} approvers")
    if approval.on_expiry is not OnExpiry.REJECT and approval.expires_after_seconds is None:
        yield Violation(f"{path}.on_expiry", "it never expires; say by `expires_after` when it does")
    if approval.on_expiry is OnExpiry.ESCALATE and not approval.escalate_to:
        yield Violation(f"{path}.on_expiry", "there is no `escalate_to`; say who may decide then")
    if approval.escalate_to and approval.on_expiry is not OnExpiry.ESCALATE:
        yield Violation(f"{path}.escalate_to", "would never be used; add `on_expiry: escalate`")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
