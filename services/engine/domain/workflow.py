"""A workflow as the engine holds it: only what deciding needs.

Finished steps and their outputs live in history. What stays here is the open frontier, so the state of a
workflow of ten thousand steps in a row is as small as that of one with two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from immutables import Map

from services.engine.domain.transitions import WorkflowStatus


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step whose task has not ended.

    `failures` were charged against its attempts; `attempt` is the newest delivery known to have ended;
    `retry_at` is set while it pauses after a failure.
    """

    task_id: str
    failures: int = 0
    attempt: int = 0
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many of the edges into a step are settled, and how many of those were taken."""

    settled: int = 0
    taken: int = 0


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """Where an output that is still to be read stands in history, and how many readers are left."""

    seq: int
    readers: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """The state of a workflow after its first `last_seq` events."""

    workflow_id: str
    status: WorkflowStatus = WorkflowStatus.PENDING
    last_seq: int = 0
    request_id: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline: datetime | None = None
    retries: int = 0
    error: str = ""
    ready: tuple[str, ...] = ()
    """Steps that were reached and have made no task yet; empty between commits."""
    open: Map[str, OpenStep] = field(default_factory=Map)
    waiting: Map[str, Arrivals] = field(default_factory=Map)
    """Steps of which some, but not all, incoming edges are settled."""
    outputs: Map[str, KeptOutput] = field(default_factory=Map)
    given_up: tuple[str, ...] = ()
    """Steps that failed, or were called off with the workflow: a retry makes them anew."""
    completed: int = 0
    """How many steps are done."""

    def step_of(self, task_id: str) -> str | None:
        """Return the step whose open task this is."""
        for step, found in self.open.items():
            if found.task_id == task_id:
                return step
        return None
