"""The bodies of a definition where they stand in it, for those who look at a definition as it is written.

A step that holds others has bodies of its own; so have its fallback and its compensation, each of one step alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from archwright.errors import Violation

from .graph import Graph, build
from .model import Definition, ForEach, Loop, Parallel, Step, Switch

FAILURE = "failure"
"""In a fallback or a compensation: why its step, or the workflow, failed."""

OUTCOME = "outcome"
"""In a compensation: what became of the step that it undoes."""

FAILURE_FIELDS = ("category", "code", "message")
"""What `failure` has."""


class Role(Enum):
    """What a body is to the step that it belongs to."""

    ROOT = auto()
    BRANCH = auto()
    ELEMENT = auto()
    CASE = auto()
    ITERATION = auto()
    FALLBACK = auto()
    COMPENSATION = auto()


@dataclass(frozen=True, eq=False)  # not slotted: its graph is worked out once, when it is asked for
class PlacedBody:
    """A body, and where it stands: at `path`, as part of the step at `position` of the body `around` it.

    `locals` are the names that stand for something in it, and in all bodies within it.
    """

    steps: tuple[Step, ...]
    path: str
    role: Role
    around: PlacedBody | None = None
    position: int = 0
    locals: tuple[str, ...] = ()
    depth: int = 0

    def step_path(self, position: int) -> str:
        """Return where one of its steps stands."""
        return self.path if self.role in {Role.FALLBACK, Role.COMPENSATION} else f"{self.path}[{position}]"

    @property
    def is_undoing(self) -> bool:
        """Whether it is a compensation, or within one."""
        return self.role is Role.COMPENSATION or (self.around is not None and self.around.is_undoing)

    @property
    def graph(self) -> Graph | None:
        """Its graph, or None when its targets or dependencies are wrong."""
        return self._built[0]

    @property
    def graph_violations(self) -> tuple[Violation, ...]:
        """What is wrong with its targets and dependencies."""
        return self._built[1]

    @cached_property
    def earlier(self) -> tuple[int, ...] | None:
        """Which steps may have been done before each, as the bits of an integer; None where nobody can say."""
        return self.graph.earlier() if self.graph else None

    @cached_property
    def _built(self) -> tuple[Graph | None, tuple[Violation, ...]]:
        return build(self.steps, self.path)


def bodies_of(definition: Definition) -> Iterator[PlacedBody]:
    """Yield every body of a definition, each before those within it."""
    yield from _with_inner(PlacedBody(definition.steps, "steps", Role.ROOT))


def _with_inner(body: PlacedBody) -> Iterator[PlacedBody]:
    yield body
    for position, step in enumerate(body.steps):
        for inner in _inner(body, position, step):
            yield from _with_inner(inner)


def _inner(body: PlacedBody, position: int, step: Step) -> Iterator[PlacedBody]:
    path = body.step_path(position)

    def inner(steps: tuple[Step, ...], where: str, role: Role, *names: str) -> PlacedBody:
        return PlacedBody(steps, f"{path}.{where}", role, body, position, (*body.locals, *names), body.depth + 1)

    match step.kind:
        case Parallel(branches=branches):
            for branch in branches:
                yield inner(branch.steps, f"parallel.branches.{branch.name}", Role.BRANCH)
        case ForEach(as_=as_, steps=steps):
            yield inner(steps, "foreach.steps", Role.ELEMENT, as_)
        case Switch(cases=cases, otherwise=otherwise):
            for number, case in enumerate(cases):
                yield inner(case.steps, f"switch.cases[{number}].steps", Role.CASE)
            if otherwise is not None:
                yield inner(otherwise, "switch.else", Role.CASE)
        case Loop(steps=steps):
            yield inner(steps, "loop.steps", Role.ITERATION)
        case _:
            pass
    if isinstance(step.fallback, Step):
        yield inner((step.fallback,), "fallback", Role.FALLBACK, FAILURE)
    if step.compensate is not None:
        yield inner((step.compensate,), "compensate", Role.COMPENSATION, FAILURE, OUTCOME)
