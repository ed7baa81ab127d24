"""Tells stories about workflows: given what happened, when something is asked, then this is what it makes true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from archwright import language
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.engine.domain.commands import Command, CompleteTask, FailTask, StartWorkflow
from services.engine.domain.decide import Decided, decide
from services.engine.domain.events import Event, Json, TaskCreated
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WORKFLOW_ID = "wf_01k0000000e008000000000000"

CHAIN = """
name: chain
steps:
  - {name: draft, agent: writer}
  - {name: review, agent: editor}
"""

SEED = """
workflow:
  name: "architecture_creation_seed"
  steps:
    - name: "requirement_analysis"
      agent: "business_analyst"
      conditions:
        - if: "request_type == 'new_architecture'"
          next: "business_architecture"
        - if: "request_type == 'modification'"
          next: "impact_analysis"
    - name: "business_architecture"
      agent: "business_architect"
      next: end
    - name: "impact_analysis"
      agent: "solution_architect"
      next: end
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

    @classmethod
    def of(cls, source: str, given: Json | None = None) -> Story:
        return cls(plan_of(source), {} if given is None else given)

    def when(self, command: Command) -> tuple[Event, ...]:
        """Ask, remember what it made true, and return it."""
        decided = self.would(command)
        self.workflow = decided.workflow
        self.told.extend(decided.events)
        self.known = decided.known
        return decided.events

    def would(self, command: Command) -> Decided:
        """Ask without remembering."""
        return decide(self.plan, self.workflow, command, self.known)

    def start(self) -> tuple[Event, ...]:
        return self.when(StartWorkflow(self.now, WORKFLOW_ID, self.input, "req", "ann", ""))

    def complete(self, step: str, output: Json = None, *, attempt: int = 1) -> tuple[Event, ...]:
        return self.when(CompleteTask(self.now, self.task(step), attempt, "a1", {} if output is None else output))

    def fail(self, step: str, category: object, *, attempt: int = 1, chance: float = 0.5) -> tuple[Event, ...]:
        return self.when(failure(self, step, category, attempt=attempt, chance=chance))

    def task(self, step: str) -> str:
        """Return the newest task that the step made."""
        made = [event.task_id for event in self.told if isinstance(event, TaskCreated) and event.step == step]
        return made[-1]


def failure(story: Story, step: str, category: object, *, attempt: int = 1, chance: float = 0.5) -> FailTask:
    return FailTask(story.now, story.task(step), attempt, "a1", category, "BROKEN", "it broke", chance)  # type: ignore[arg-type]


def names(events: Sequence[Event]) -> list[str]:
    """Return what happened, in words: the event, and the step it is about."""
    return [" ".join(filter(None, (type(event).__name__, getattr(event, "step", "")))) for event in events]


__all__ = ["CHAIN", "NOON", "SECOND", "SEED", "Story", "failure", "names", "plan_of"]
