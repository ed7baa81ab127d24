"""The one graph of steps that every form of the language comes down to, body by body.

A step without `depends_on` follows the segment written before it: a step, or neighbours with `parallel_execution`
that are one group. Targets lead forward only, and dependencies are free of circles, so there is always an order in
which the steps may be done. Sets of steps are bits of an integer: ten thousand steps stay cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeAlias

from archwright.errors import Violation

from .model import END, AgentTask, OnUnavailable, Step, Switch
from .refusal import VIOLATIONS_MAX
from .vocabulary import did_you_mean

Targets: TypeAlias = tuple[int, ...]
"""Where a way out leads: the positions of all steps that it reaches at once. Empty: the path is finished."""


@dataclass(frozen=True, slots=True)
class Exits:
    """Where a step may lead: by its conditions in order, or else; or past its conditions, when it is skipped."""

    conditions: tuple[Targets, ...]
    otherwise: Targets
    skipped: Targets

    @property
    def edges(self) -> tuple[int, ...]:
        """The distinct steps that it may lead to, ascending."""
        return tuple(sorted({*chain(*self.conditions), *self.otherwise, *self.skipped}))

    @property
    def may_end(self) -> bool:
        """Whether its path may be finished with it."""
        return () in {*self.conditions, self.otherwise, self.skipped}


@dataclass(frozen=True, slots=True)
class Graph:
    """The exits of all steps of a body, and what follows from them.

    `first` are the steps that begin at once; `order` is one in which all may be done; `entered` tells by which
    positions a target that names a step is reached: with it the whole group that it stands in.
    """

    exits: tuple[Exits, ...]
    first: Targets
    order: tuple[int, ...]
    entered: tuple[Targets, ...]
    incoming: tuple[int, ...]
    predecessors: tuple[tuple[int, ...], ...]

    def unreachable(self) -> tuple[int, ...]:
        """Return the steps that no path leads to."""
        reached = set(self.first)
        for index in self.order:
            if index in reached:
                reached.update(self.exits[index].edges)
        return tuple(index for index in range(len(self.exits)) if index not in reached)

    def earlier(self) -> tuple[int, ...]:
        """Return for each step the set of steps that may have been done before it, as the bits of an integer."""
        before = [0] * len(self.exits)
        for index in self.order:
            bits = 0
            for predecessor in self.predecessors[index]:
                bits |= before[predecessor] | 1 << predecessor
            before[index] = bits
        return tuple(before)


def build(steps: Sequence[Step], path: str = "steps") -> tuple[Graph | None, tuple[Violation, ...]]:
    """Return the graph of a body, or none and what is wrong with its targets and dependencies.

    `path` is where the list of steps stands in the definition.
    """
    return _Body(steps, path).build()


class _Body:
    """The steps of one body while their graph is made."""

    def __init__(self, steps: Sequence[Step], path: str) -> None:
        self._steps = steps
        self._path = path
        self._violations: list[Violation] = []
        self._positions = {step.name: position for position, step in reversed(list(enumerate(steps)))}
        self._by_step_id = {step.step_id: step.name for step in steps if step.step_id}
        self._segments = _segments(steps)
        self._segment_of = [number for number, segment in enumerate(self._segments) for _ in segment]
        self._dependants: list[list[int]] = [[] for _ in steps]
        self._has_dependencies = any(step.depends_on is not None for step in steps)

    def build(self) -> tuple[Graph | None, tuple[Violation, ...]]:
        """Return the graph, or none and what is wrong."""
        for position, step in enumerate(self._steps):
            for number, name in enumerate(step.depends_on or ()):
                self._depend(position, name, f"depends_on[{number}]")
        exits = [self._exits(position, step) for position, step in enumerate(self._steps)]
        if self._violations:
            return None, tuple(self._violations)
        predecessors: list[list[int]] = [[] for _ in exits]
        for position, exit_ in enumerate(exits):
            for target in exit_.edges:
                predecessors[target].append(position)
        order = _order(exits, [len(found) for found in predecessors])
        if len(order) < len(exits):
            return None, (self._circle(frozenset(range(len(exits))) - set(order), predecessors),)
        graph = Graph(
            exits=tuple(exits),
            first=self._first(),
            order=order,
            entered=tuple(self._segments[number] for number in self._segment_of),
            incoming=tuple(len(found) for found in predecessors),
            predecessors=tuple(tuple(found) for found in predecessors),
        )
        return graph, ()

    def _first(self) -> Targets:
        """Return the steps that wait for nothing: those written first, and those that depend on nothing."""
        written = {position for position in self._segments[0] if self._steps[position].depends_on is None}
        return tuple(sorted(written | {at for at, step in enumerate(self._steps) if step.depends_on == ()}))

    def _exits(self, position: int, step: Step) -> Exits:
        self._require_lone_choice(position, step)
        following = self._following(position)
        conditions = tuple(
            self._target(condition.next, position, f"conditions[{number}].next")
            for number, condition in enumerate(step.conditions)
        )
        otherwise = skipped = following
        if step.otherwise is not None:
            otherwise = self._target(step.otherwise, position, "else")
        elif step.next is not None:
            # What depends on the step by name waits for it wherever its path goes on.
            otherwise = skipped = (*self._target(step.next, position, "next"), *self._dependants[position])
        if not (step.conditions and may_be_skipped(step)):
            skipped = otherwise
        return Exits(conditions, otherwise, skipped)

    def _following(self, position: int) -> Targets:
        """Return the steps that follow by the order in which they are written, and by their dependencies."""
        after = self._segment_of[position] + 1
        segment = self._segments[after] if after < len(self._segments) else ()
        by_order = [at for at in segment if self._steps[at].depends_on is None]
        return tuple(sorted({*by_order, *self._dependants[position]}))

    def _require_lone_choice(self, position: int, step: Step) -> None:
        """Object to a step that chooses its successor where something else says it."""
        word = "conditions" if step.conditions else "next"
        if not step.conditions and step.next in {None, END}:
            return
        if len(self._segments[self._segment_of[position]]) > 1:
            self._object(
                position, word, "a step of a parallel group cannot choose what follows; let the group end first"
            )
        elif self._has_dependencies:
            self._object(position, word, "beside steps with `depends_on` a step cannot choose what follows; use `when`")

    def _target(self, target: str, position: int, path: str) -> Targets:
        """Return where a target of the step at `position` leads."""
        if target == END:
            return ()
        found = self._positions.get(target)
        if self._is_full:
            return ()
        if found is None:
            name = self._by_step_id.get(target)
            later = [step.name for step in islice(self._steps, position + 1, None)]
            hint = f"; the name of that step is {name!r}" if name else did_you_mean(target, [*later, END])
            self._object(position, path, f"there is no step {target!r} in this body{hint}")
        elif found == position:
            self._object(position, path, f"leads from {target!r} to itself; use `loop` to do steps again")
        elif found < position:
            self._object(position, path, f"leads back to {target!r}, which is written earlier; use `loop` for that")
        else:
            segment = self._segments[self._segment_of[found]]
            if segment[0] == found:
                return segment
            first = self._steps[segment[0]].name
            self._object(position, path, f"leads into the midst of a parallel group; lead to its first step, {first!r}")
        return ()

    def _depend(self, position: int, name: str, path: str) -> None:
        found = self._positions.get(name)
        if self._is_full:
            return
        if found is None:
            self._object(position, path, f"there is no step {name!r} in this body{did_you_mean(name, self._positions)}")
        elif found == position:
            self._object(position, path, f"{name!r} cannot wait for itself")
        elif position not in self._dependants[found]:
            self._dependants[found].append(position)

    def _circle(self, among: frozenset[int], predecessors: Sequence[Sequence[int]]) -> Violation:
        """Return the objection to a circle of steps that wait for each other."""
        walked = [min(among)]
        while (before := min(at for at in predecessors[walked[-1]] if at in among)) not in walked:
            walked.append(before)
        circle = walked[walked.index(before) :]
        told = " waits for ".join(repr(self._steps[at].name) for at in (*circle, circle[0]))
        return Violation(f"{self._path}[{min(circle)}].depends_on", f"these steps wait for each other: {told}")

    @property
    def _is_full(self) -> bool:
        """Whether no more problems are noted: looking for hints is slow."""
        return len(self._violations) >= VIOLATIONS_MAX

    def _object(self, position: int, path: str, wrong: str) -> None:
        if not self._is_full:
            self._violations.append(Violation(f"{self._path}[{position}].{path}", wrong))


def may_be_skipped(step: Step) -> bool:
    """Return whether a step that is reached may be passed over."""
    is_lenient = isinstance(step.kind, AgentTask) and step.kind.on_unavailable is OnUnavailable.SKIP
    is_partial = isinstance(step.kind, Switch) and step.kind.otherwise is None
    return step.when is not None or is_lenient or is_partial


def _segments(steps: Sequence[Step]) -> list[Targets]:
    """Return the steps in the order written, neighbours that go side by side together."""
    segments: list[list[int]] = []
    for position, step in enumerate(steps):
        beside = step.parallel_execution and position > 0 and steps[position - 1].parallel_execution
        if beside:
            segments[-1].append(position)
        else:
            segments.append([position])
    return [tuple(segment) for segment in segments]


def _order(exits: Sequence[Exits], waits_for: list[int]) -> tuple[int, ...]:
    """Return the steps in an order in which each comes after all that lead to it; those of a circle are left out."""
    ready = [position for position, count in enumerate(waits_for) if count == 0]
    order: list[int] = []
    while ready:
        position = ready.pop()
        order.append(position)
        for target in exits[position].edges:
            waits_for[target] -= 1
            if waits_for[target] == 0:
                ready.append(target)
    return tuple(order)
