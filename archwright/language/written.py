"""Every expression and every template of a definition: where it stands, and what it must come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from .bodies import PlacedBody, Role
from .check_reading import Viewpoint
from .model import (
    AgentTask,
    Definition,
    Emit,
    Fail,
    ForEach,
    Json,
    Loop,
    SetVars,
    Step,
    Switch,
    Wait,
)


class Wanted(Enum):
    """What a text is: an expression that must be true or false or a list, or JSON whose strings may hold some."""

    TRUTH = auto()
    LIST = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True)
class Written:
    """A text at its path, as seen from a place in the definition; `sets` are the vars that it names."""

    path: str
    source: Json
    wanted: Wanted
    view: Viewpoint
    sets: tuple[str, ...] = ()


def written(definition: Definition, bodies: Sequence[PlacedBody]) -> Iterator[Written]:
    """Yield every text of a definition that may hold expressions."""
    inner = {(id(body.around), body.position): body for body in bodies if body.role is Role.ITERATION}
    for body in bodies:
        for position, step in enumerate(body.steps):
            path = body.step_path(position)
            before, after = Viewpoint(body, position), Viewpoint(body, position, is_after=True)
            yield from _common(step, path, before, after)
            if isinstance(step.kind, Loop):
                yield from _loop(step.kind, path, inner[id(body), position])
            else:
                yield from _kind(step, path, before)
    if definition.output is not None:
        yield Written("output", definition.output, Wanted.JSON, Viewpoint(bodies[0], None))


def _common(step: Step, path: str, before: Viewpoint, after: Viewpoint) -> Iterator[Written]:
    if step.when is not None:
        yield Written(f"{path}.when", step.when, Wanted.TRUTH, before)
    if step.input is not None:
        yield Written(f"{path}.input", step.input, Wanted.JSON, before)
    for number, condition in enumerate(step.conditions):
        yield Written(f"{path}.conditions[{number}].if", condition.if_, Wanted.TRUTH, after)


def _kind(step: Step, path: str, before: Viewpoint) -> Iterator[Written]:
    match step.kind:
        case AgentTask(cache=cache, idempotency_key=idempotency_key):
            if cache is not None:
                yield Written(f"{path}.cache.key", cache.key, Wanted.JSON, before)
            if idempotency_key:
                yield Written(f"{path}.idempotency_key", idempotency_key, Wanted.JSON, before)
        case ForEach(items=items):
            yield Written(f"{path}.foreach.items", items, Wanted.LIST, before)
        case Switch(cases=cases):
            for number, case in enumerate(cases):
                yield Written(f"{path}.switch.cases[{number}].if", case.if_, Wanted.TRUTH, before)
        case Wait(seconds=str(seconds)):
            yield Written(f"{path}.wait.seconds", seconds, Wanted.JSON, before)
        case Wait(until=str(until)):
            yield Written(f"{path}.wait.until", until, Wanted.JSON, before)
        case SetVars(values=values):
            yield Written(f"{path}.set", dict(values), Wanted.JSON, before, tuple(values))
        case Emit(payload=payload):
            yield Written(f"{path}.emit.payload", payload, Wanted.JSON, before)
        case Fail(message=message):
            yield Written(f"{path}.fail.message", message, Wanted.JSON, before)
        case _:
            pass


def _loop(loop: Loop, path: str, body: PlacedBody) -> Iterator[Written]:
    """Yield when a loop ends, which is asked from within it: its steps are those of the iteration that was done."""
    view = Viewpoint(body, None)
    if loop.until is not None:
        yield Written(f"{path}.loop.until", loop.until, Wanted.TRUTH, view)
    if loop.while_ is not None:
        yield Written(f"{path}.loop.while", loop.while_, Wanted.TRUTH, view)
