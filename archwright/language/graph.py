"""The one graph of steps that every form of the language comes down to.

Edges lead forward only, so the order in which steps are written is an order in which they may be done, and one pass
answers every question. Sets of steps are bits of an integer: ten thousand steps stay cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from archwright.errors import Violation

from .model import END, Step
from .refusal import VIOLATIONS_MAX
from .vocabulary import did_you_mean

END_INDEX = -1
"""As a target: this path of the workflow is finished."""


@dataclass(frozen=True, slots=True)
class Exits:
    """Where a step may lead: by its conditions in order, or else. Each is the index of a step, or END_INDEX."""

    conditions: tuple[int, ...]
    otherwise: int

    @property
    def edges(self) -> tuple[int, ...]:
        """The distinct steps that it may lead to, ascending."""
        return tuple(sorted({*self.conditions, self.otherwise} - {END_INDEX}))

    @property
    def may_end(self) -> bool:
        """Whether its path may be finished with it."""
        return END_INDEX in {*self.conditions, self.otherwise}


@dataclass(frozen=True, slots=True)
class Graph:
    """The exits of all steps, and what follows from them."""

    exits: tuple[Exits, ...]
    incoming: tuple[int, ...]
    predecessors: tuple[tuple[int, ...], ...]

    def unreachable(self) -> tuple[int, ...]:
        """Return the steps that no path leads to."""
        reached = {0}
        for index, exits in enumerate(self.exits):
            if index in reached:
                reached.update(exits.edges)
        return tuple(index for index in range(len(self.exits)) if index not in reached)

    def earlier(self) -> tuple[int, ...]:
        """Return for each step the set of steps that may have been done before it, as the bits of an integer."""
        before: list[int] = []
        for predecessors in self.predecessors:
            bits = 0
            for index in predecessors:
                bits |= before[index] | 1 << index
            before.append(bits)
        return tuple(before)


def build(steps: Sequence[Step]) -> tuple[Graph | None, tuple[Violation, ...]]:
    """Return the graph of these steps, or none and what is wrong with their targets."""
    targets = _Targets(steps)
    exits = [_exits(step, position, targets) for position, step in enumerate(steps)]
    return (None if targets.violations else _connect(exits)), tuple(targets.violations)


class _Targets:
    """Finds the steps that targets name, and notes those that cannot be."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.violations: list[Violation] = []
        self.count = len(steps)
        self._index = {step.name: position for position, step in reversed(list(enumerate(steps)))}
        self._names = [*(step.name for step in steps), END]
        self._by_step_id = {step.step_id: step.name for step in steps if step.step_id}

    def find(self, target: str, position: int, path: str) -> int:
        """Return the index of a target of the step at `position`, or END_INDEX."""
        if target == END:
            return END_INDEX
        found = self._index.get(target)
        if found is not None and found > position:
            return found
        if len(self.violations) >= VIOLATIONS_MAX:
            return END_INDEX
        if found is None:
            name = self._by_step_id.get(target)
            hint = (
                f"; the name of that step is {name!r}"
                if name
                else did_you_mean(target, islice(self._names, position + 1, None))
            )
            wrong = f"there is no step {target!r}{hint}"
        elif found == position:
            wrong = f"leads from {target!r} to itself; loops are not in this version yet"
        else:
            wrong = f"leads back to {target!r}, which is written earlier; loops are not in this version yet"
        self.violations.append(Violation(f"steps[{position}].{path}", wrong))
        return END_INDEX


def _exits(step: Step, position: int, targets: _Targets) -> Exits:
    conditions = tuple(
        targets.find(condition.next, position, f"conditions[{number}].next")
        for number, condition in enumerate(step.conditions)
    )
    if step.otherwise is not None:
        return Exits(conditions, targets.find(step.otherwise, position, "else"))
    if step.next is not None:
        return Exits(conditions, targets.find(step.next, position, "next"))
    following = position + 1
    return Exits(conditions, following if following < targets.count else END_INDEX)


def _connect(exits: Sequence[Exits]) -> Graph:
    predecessors: list[list[int]] = [[] for _ in exits]
    for position, exit_ in enumerate(exits):
        for target in exit_.edges:
            predecessors[target].append(position)
    return Graph(
        exits=tuple(exits),
        incoming=tuple(len(found) for found in predecessors),
        predecessors=tuple(tuple(found) for found in predecessors),
    )
