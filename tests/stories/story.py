"""Tells stories about workflows: given what happened, when something is asked, then this is what it makes true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from archwright import language
from archwright.language.model import ErrorCategory
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.engine.domain.clocks import APPROVAL, DEADLINE_TIMER, RETRY, WAIT
from services.engine.domain.commands import (
    CancelWorkflow,
    Command,
    CompleteTask,
    DecideApproval,
    EndChild,
    FailTask,
    FireTimer,
    PauseWorkflow,
    RedriveTask,
    ResumeWorkflow,
    RetryWorkflow,
    Reused,
    SignalWorkflow,
    StartWorkflow,
    TellUnavailable,
)
from services.engine.domain.decide import Decided, decide
from services.engine.domain.effects import Effects, effects
from services.engine.domain.events import ArtifactMade, Event, Json, TaskCreated, WorkflowCompleted
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import Known
from services.engine.domain.workflow import OpenApproval, OpenChild, OpenTask, OpenWait, Workflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WORKFLOW_ID = "wf_01k0000000e008000000000000"

CHAIN = """
name: chain
steps:
  - {name: draft, agent: writer}
  - {name: review, agent: editor}
"""


def plan_of(source: str) -> Plan:
    return compile_plan(language.load(source))


@dataclass
class Story:
    """A workflow that is being told, one command after the other."""

    plan: Plan
    input: Json = field(default_factory=dict)
    workflow: Workflow = field(default_factory=lambda: Workflow(WORKFLOW_ID))
    known: Known = field(default_factory=Known)
    now: datetime = NOON
    told: list[Event] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)
    """Of the last command."""
    inputs: list[Json] = field(default_factory=list)
    """What the tasks are given that the last command made."""

    @classmethod
    def of(cls, source: str, given: Json | None = None) -> Story:
        return cls(plan_of(source), {} if given is None else given)

    @classmethod
    def begun(cls, source: str, given: Json | None = None) -> Story:
        """Tell of a workflow that was started."""
        story = cls.of(source, given)
        story.start()
        return story

    def when(self, command: Command) -> tuple[Event, ...]:
        """Ask, remember what it made true, and return it."""
        decided = self.would(command)
        self.effects = effects(self.plan, self.workflow, decided.workflow, decided.events)
        self.workflow = decided.workflow
        self.told.extend(decided.events)
        self.known = decided.known
        self.inputs = [orjson.loads(text) for text in decided.inputs.values()]
        return decided.events

    def would(self, command: Command) -> Decided:
        """Ask without remembering."""
        return decide(self.plan, self.workflow, command, self.known)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def start(self, *, admitted: bool = True, reused: tuple[Reused, ...] = ()) -> tuple[Event, ...]:
        return self.when(
            StartWorkflow(self.now, WORKFLOW_ID, self.input, "req", "ann", "", admitted=admitted, reused=reused)
        )

    def complete(
        self, step: str, output: Json = None, *, attempt: int = 1, files: Mapping[str, str] | None = None
    ) -> tuple[Event, ...]:
        made = tuple(ArtifactMade(name, sha256) for name, sha256 in (files or {}).items())
        given = {} if output is None else output
        return self.when(CompleteTask(self.now, self.task(step), attempt, "a1", given, made))

    def complete_with_null(self, step: str) -> tuple[Event, ...]:
        return self.when(CompleteTask(self.now, self.task(step), 1, "a1", None))

    def fail(
        self, step: str, category: ErrorCategory = ErrorCategory.PERMANENT, *, attempt: int = 1, chance: float = 0.5
    ) -> tuple[Event, ...]:
        return self.when(failure(self, step, category, attempt=attempt, chance=chance))

    def unavailable(self, step: str) -> tuple[Event, ...]:
        return self.when(TellUnavailable(self.now, self.task(step), "no agent is there"))

    def fire(self, key: str) -> tuple[Event, ...]:
        """Let a timer of the step, such as `wait:nap`, be due."""
        return self.when(FireTimer(self.now, key, self._generation(key)))

    def fire_of(self, key: str, generation: int) -> tuple[Event, ...]:
        """Let a timer of some generation be due."""
        return self.when(FireTimer(self.now, key, generation))

    def signal(self, name: str, payload: Json = None) -> tuple[Event, ...]:
        return self.when(SignalWorkflow(self.now, name, payload, "ann"))

    def decide(self, step: str, user: str = "ann", *roles: str, approved: bool = True) -> tuple[Event, ...]:
        asked = self.approval(step)
        return self.when(
            DecideApproval(
                self.now,
                asked.approval_id,
                user,
                frozenset(roles),
                approved,
                "fine" if approved else "not like this",
                asked.shown_sha256,
            )
        )

    def end_child(
        self,
        step: str,
        output: Json = None,
        status: WorkflowStatus = WorkflowStatus.COMPLETED,
        *,
        degraded: bool = False,
    ) -> tuple[Event, ...]:
        waiting = self.workflow.open[step]
        assert isinstance(waiting, OpenChild)
        return self.when(EndChild(self.now, step, waiting.child_id, status, output, degraded, "so it is"))

    def pause(self) -> tuple[Event, ...]:
        return self.when(PauseWorkflow(self.now, "ann", "hold on"))

    def resume(self) -> tuple[Event, ...]:
        return self.when(ResumeWorkflow(self.now, "ann"))

    def retry(self) -> tuple[Event, ...]:
        return self.when(RetryWorkflow(self.now, "ann"))

    def redrive(self, step: str, given: Json = None) -> tuple[Event, ...]:
        return self.when(RedriveTask(self.now, step, self.task(step), "ann", given))

    def cancel(self) -> tuple[Event, ...]:
        return self.when(CancelWorkflow(self.now, "ann", "enough"))

    def task(self, step: str) -> str:
        """Return the newest task that the step made."""
        made = [event.task_id for event in self.told if isinstance(event, TaskCreated) and event.step == step]
        return made[-1]

    def approval(self, step: str) -> OpenApproval:
        """Return the approval that the step waits for."""
        found = self.workflow.open[step]
        assert isinstance(found, OpenApproval)
        return found

    @property
    def open(self) -> list[str]:
        """The steps that wait for somebody: those that only hold others are left out."""
        kinds = OpenTask | OpenWait | OpenApproval | OpenChild
        return sorted(path for path, found in self.workflow.open.items() if isinstance(found, kinds))

    @property
    def status(self) -> WorkflowStatus:
        return self.workflow.status

    @property
    def output(self) -> Json:
        """What the workflow came to."""
        [completed] = [event for event in self.told if isinstance(event, WorkflowCompleted)]
        return completed.output

    def _generation(self, key: str) -> int:
        found = self.workflow.open.get(key.partition(":")[2])
        match found:
            case OpenTask() if key.startswith(RETRY):
                return found.attempt
            case OpenWait() if key.startswith(WAIT):
                return found.generation
            case OpenApproval() if key.startswith(APPROVAL):
                return found.generation
            case _ if key == DEADLINE_TIMER:
                return self.workflow.clock
            case _:
                return 0


def failure(story: Story, step: str, category: ErrorCategory, *, attempt: int = 1, chance: float = 0.5) -> FailTask:
    return FailTask(story.now, story.task(step), attempt, "a1", category, "BROKEN", "it broke", chance)


def names(events: Sequence[Event]) -> list[str]:
    """Return what happened, in words: the event, and the step or the scope that it is about."""
    about = (getattr(event, "step", "") or getattr(event, "scope", "") for event in events)
    return [f"{type(event).__name__} {path}".strip() for event, path in zip(events, about, strict=True)]


__all__ = ["CHAIN", "NOON", "SECOND", "Story", "failure", "names", "plan_of"]
