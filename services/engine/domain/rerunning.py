"""What a rerun takes over from the workflow that it goes on from.

Everything that is not downstream of the chosen step is taken over as it ended. Only steps of the definition's own body
are chosen from: one that holds others is taken over whole or made anew whole. What a compensation has undone is made
anew too, with all that is downstream of it, wherever the rerun begins.
"""

from __future__ import annotations

from collections.abc import Iterable

from immutables import Map
from msgspec.structs import replace

from archwright.errors import RequestInvalid
from archwright.language.model import Json
from archwright.language.plan import Plan
from archwright.language.vocabulary import did_you_mean
from services.engine.domain.commands import Reused
from services.engine.domain.events import (
    CompensationStarted,
    Event,
    FailureTolerated,
    StepCompleted,
    StepSkipped,
    TaskCompleted,
)
from services.engine.domain.evolve import apply
from services.engine.domain.paths import name_of
from services.engine.domain.values import assembled, value_of
from services.engine.domain.workflow import Failure, Workflow


def reusable(plan: Plan, events: Iterable[Event], from_step: str) -> tuple[Reused, ...]:
    """Return what a rerun from a step takes over from a whole history. `from_step` is a step's name or path.

    Raises RequestInvalid when there is no such step.
    """
    chosen = name_of(from_step)
    if chosen not in plan.index:
        of = plan.definition
        hint = did_you_mean(chosen, plan.index) or f". `archwright definitions plan {of.name}@{of.version}` lists them."
        raise RequestInvalid(
            f"There is no step {from_step!r} to rerun from{hint}",
            facts={"from_step": from_step, "definition_name": of.name},
        )
    past = _Past(plan)
    for event in events:
        past.add(event)
    return past.without(_downstream(plan, {_outermost(plan, name) for name in (chosen, *past.undone)}))


class _Past:
    """What came of the steps of a workflow: by the step of the root that each is or is inside of."""

    def __init__(self, plan: Plan) -> None:
        self.undone: set[str] = set()
        self._plan = plan
        self._workflow = Workflow("")
        self._values: Map[int, Json] = Map()
        self._ended: dict[int, Reused] = {}
        self._named: dict[int, dict[str, Reused]] = {}
        self._namings: list[tuple[int, str, str]] = []

    def add(self, event: Event) -> None:
        """Let an event have happened."""
        apply(self._plan, self._workflow, event)
        if (value := value_of(event)) is not None:
            self._values = self._values.set(self._workflow.last_seq, value)
        match event:
            case CompensationStarted(steps=steps):
                self.undone.update(map(name_of, steps))
            case TaskCompleted(output=output):
                self._end(Reused(event.step, output, event.next))
            case StepCompleted():
                output = event.output if event.parts is None else assembled(event.parts, self._values)
                self._end(Reused(event.step, output, event.next, event.vars, degraded=event.degraded))
            case StepSkipped(reason=reason):
                self._end(Reused(event.step, skipped=reason))
            case FailureTolerated():
                failure = Failure(event.category, event.code, event.message)
                self._end(Reused(event.step, next=event.next, failure=failure))
            case _:
                pass

    def without(self, anew: frozenset[int]) -> tuple[Reused, ...]:
        """Return what is taken over when these steps of the root are made anew."""
        last = {name: step for root, step, name in self._namings if root not in anew}

        def still_named(reused: Reused) -> Reused:
            return replace(
                reused,
                vars=tuple(name for name in reused.vars if last[name] == reused.step),
                inner=tuple(map(still_named, reused.inner)),
            )

        return tuple(still_named(reused) for root, reused in self._ended.items() if root not in anew)

    def _end(self, reused: Reused) -> None:
        name = name_of(reused.step)
        root = _outermost(self._plan, name)
        self._namings.extend((root, name, named) for named in reused.vars)
        if self._plan.index[name] == root:
            self._ended[root] = replace(reused, inner=(*self._named.get(root, {}).values(), *self._read_outside(root)))
        elif reused.vars:
            self._named.setdefault(root, {})[name] = Reused(name, reused.output, vars=reused.vars)

    def _read_outside(self, root: int) -> Iterable[Reused]:
        """Yield what steps inside of this one came to, as those that come after it read it."""
        for name in sorted(
            {name for body in self._plan.nodes[root].bodies for name in self._plan.bodies[body].exports}
        ):
            kept = self._workflow.outputs.get(name)
            if kept is not None:
                yield Reused(name, assembled(kept.ref, self._values))


def _outermost(plan: Plan, name: str) -> int:
    """Return the step of the root that a step is, or is inside of."""
    found = plan.index[name]
    while (owner := plan.bodies[plan.nodes[found].body].owner) is not None:
        found = owner
    return found


def _downstream(plan: Plan, begun: set[int]) -> frozenset[int]:
    """Return these steps, and all that some path leads to from them."""
    reached, led = set(begun), list(begun)
    while led:
        further = set(plan.nodes[led.pop()].edges) - reached
        reached |= further
        led.extend(further)
    return frozenset(reached)
