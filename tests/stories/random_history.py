"""Random definitions and random commands: what the stories of random histories are drawn from.

A command is drawn as a wish ("complete the third task there was") and made concrete against the workflow as it then
stands, so that most commands speak of something, and some of something that is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from immutables import Map
from story import NOON, SECOND, WORKFLOW_ID, plan_of

from archwright.errors import TransitionIllegal
from archwright.language.model import ErrorCategory
from archwright.language.plan import Plan
from services.engine.domain.commands import (
    CancelWorkflow,
    Command,
    CompleteTask,
    FailTask,
    FireTimer,
    Stale,
    StartWorkflow,
)
from services.engine.domain.decide import Decided, decide
from services.engine.domain.events import ArtifactMade, Event, Json, TaskCreated
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow

STEPS_MAX = 6
WISHES_MIN, WISHES_MAX = 5, 25

_OWN_CONDITIONS = ("true", "false", "kind == 'new'", "steps.{own}.output.n > 2", "steps.{own}.status == 'completed'")
_CONDITIONS_ON_THE_FIRST = ("steps.s0.output.n > 2", "has(steps.s0.output.n)")


@dataclass(frozen=True, slots=True)
class Told:
    """One command, and what it came to: `decided`, or the refusal."""

    before: Workflow
    known: Known
    command: Command
    decided: Decided | None
    refusal: Stale | TransitionIllegal | None

    @property
    def after(self) -> Workflow:
        return self.before if self.decided is None else self.decided.workflow

    @property
    def events(self) -> tuple[Event, ...]:
        return () if self.decided is None else self.decided.events


@dataclass(frozen=True, slots=True)
class History:
    """A workflow's whole life, command by command."""

    source: str
    plan: Plan
    told: tuple[Told, ...]

    def __str__(self) -> str:
        return "\n".join([self.source, *(f"{told.command} → {told.refusal or told.events}" for told in self.told)])

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Have a failing history shown as its definition and what was asked, one line each."""
        printer.text(str(self))

    @property
    def events(self) -> list[Event]:
        return [event for told in self.told for event in told.events]

    @property
    def workflow(self) -> Workflow:
        return self.told[-1].after


def outputs() -> st.SearchStrategy[Json]:
    """Draw what agents return: now and then what conditions cannot compare, or do not find."""
    strange = st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.booleans(), st.floats(-1, 1)), max_size=2)
    return _mostly(st.fixed_dictionaries({"n": st.integers(0, 5)}), st.just({"n": "many"}) | strange)


def _mostly(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*[usual] * 7, unusual)


@st.composite
def _step(draw: st.DrawFn, position: int, count: int) -> dict[str, Any]:
    targets = st.sampled_from([*(f"s{later}" for later in range(position + 1, count)), "end"])
    conditions = (*_OWN_CONDITIONS, *(_CONDITIONS_ON_THE_FIRST if position else ()))
    step: dict[str, Any] = {"name": f"s{position}", "agent": "worker"}
    if taken := draw(st.lists(st.tuples(st.sampled_from(conditions), targets), max_size=2)):
        step["conditions"] = [{"if": text.format(own=f"s{position}"), "next": target} for text, target in taken]
        if draw(st.booleans()):
            step["else"] = draw(targets)
    elif draw(st.booleans()):
        step["next"] = draw(targets)
    if position and draw(st.booleans()):
        step["input"] = {"first": "${steps.s0.output}", "kind": "${input.kind}"}
    if draw(st.integers(0, 4)) == 0:
        step["output_schema"] = {"properties": {"n": {"type": "integer"}}}
    if draw(st.booleans()):
        step["retry_policy"] = {"max_attempts": draw(st.integers(1, 3)), "jitter": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        step["queue_timeout_seconds"] = 30
    return step


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """Draw the text of a small definition that may be published."""
    count = draw(st.integers(1, STEPS_MAX))
    steps = [draw(_step(position, count)) for position in range(count)]
    for position in range(1, count):
        if not any(_leads_to(steps, earlier, position) for earlier in range(position)):
            # Nobody leads here, so the step before does, by going on in order.
            steps[position - 1].pop("next", None)
            steps[position - 1].pop("else", None)
    return json.dumps({"name": "drawn", "max_retries": draw(st.integers(0, 2)), "steps": steps})


def _leads_to(steps: list[dict[str, Any]], earlier: int, position: int) -> bool:
    step, name = steps[earlier], f"s{position}"
    if name in (step.get("next"), step.get("else")) or name in [each["next"] for each in step.get("conditions", ())]:
        return True
    return earlier == position - 1 and "next" not in step and "else" not in step


@dataclass(slots=True)
class _Life:
    """What wishes are made concrete against."""

    plan: Plan
    given: Json
    workflow: Workflow
    known: Known
    tasks: list[str]
    seconds: int = 0

    def tick(self) -> Any:
        self.seconds += 1
        return NOON + timedelta(seconds=self.seconds)

    def task(self, pick: int) -> str:
        """Return an open task, or where `pick` is negative any that there ever was."""
        still_open = [task.task_id for _, task in sorted(self.workflow.open.items())]
        among = still_open if pick >= 0 and still_open else self.tasks
        return among[pick % len(among)] if among else "task_of_nobody"

    def attempt(self, task_id: str) -> int:
        found = self.workflow.task_at("", task_id)
        return 1 if found is None else found[1].attempt + 1

    def kept(self) -> Known:
        """Return what the engine would read for this decision: only the values that the state says are needed."""
        return Known(self.given, Map({seq: self.known.values[seq] for seq in self.workflow.seqs()}))


Wish = Callable[[_Life], Command]

_PICKS = _mostly(st.just(0), st.integers(-3, -1))


def _start(life: _Life) -> Command:
    return StartWorkflow(life.tick(), WORKFLOW_ID, life.given, "req", "ann", "")


def _complete(pick: int, output: Json, names_file: bool) -> Wish:
    made = (ArtifactMade("report.html", "0" * 64),) if names_file else ()

    def command(life: _Life) -> Command:
        task = life.task(pick)
        return CompleteTask(life.tick(), task, life.attempt(task), "a1", output, made)

    return command


def _fail(pick: int, category: ErrorCategory, thousandths: int) -> Wish:
    # Times are kept in milliseconds: a chance in thousandths makes pauses of whole ones.
    def command(life: _Life) -> Command:
        task, chance = life.task(pick), thousandths / 1000
        return FailTask(life.tick(), task, life.attempt(task), "a1", category, "BROKEN", "it broke", chance)

    return command


def _retry(is_late: bool) -> Wish:
    def command(life: _Life) -> Command:
        pausing = [(step, task) for step, task in sorted(life.workflow.open.items()) if task.retry_at is not None]
        step, generation = (pausing[0][0], pausing[0][1].attempt) if pausing else ("s0", 1)
        return FireTimer(life.tick(), f"retry:{step}", generation - is_late)

    return command


def _deadline(is_late: bool) -> Wish:
    return lambda life: FireTimer(life.tick(), "deadline", life.workflow.clock - is_late)


def _cancel(life: _Life) -> Command:
    return CancelWorkflow(life.tick(), "ann", "enough")


def wishes() -> st.SearchStrategy[Wish]:
    """Draw what somebody wants to happen; most of it moves a workflow on."""
    categories = _mostly(st.just(ErrorCategory.TRANSIENT), st.sampled_from(ErrorCategory))
    going_on = st.builds(_complete, _PICKS, outputs(), st.booleans())
    failing = st.builds(_fail, _PICKS, categories, st.integers(0, 999))
    trying_again = st.builds(_retry, _mostly(st.just(value=False), st.just(value=True)))
    ending = st.one_of(st.builds(_deadline, st.booleans()), st.just(_cancel), st.just(_start))
    return _mostly(st.one_of(going_on, going_on, failing, trying_again, trying_again), ending)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a definition and what happens to one workflow of it, from its start on."""
    source = draw(definitions())
    plan = plan_of(source)
    given = draw(st.sampled_from([{}, {"kind": "new"}, {"kind": 5}]))
    life = _Life(plan, given, Workflow(WORKFLOW_ID), Known(), [])
    asked = [_start, *draw(st.lists(wishes(), min_size=WISHES_MIN, max_size=WISHES_MAX))]
    return History(source, plan, tuple(_tell(life, wish(life)) for wish in asked))


def _tell(life: _Life, command: Command) -> Told:
    before, known = life.workflow, life.kept()
    try:
        decided = decide(life.plan, before, command, known)
    except (Stale, TransitionIllegal) as refusal:
        return Told(before, known, command, None, refusal)
    life.workflow, life.known = decided.workflow, decided.known
    for event in decided.events:
        if isinstance(event, TaskCreated):
            life.tasks.append(event.task_id)
    return Told(before, known, command, decided, None)


__all__ = ["SECOND", "History", "Told", "histories"]
