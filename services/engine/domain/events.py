"""The facts about a workflow: what history is made of.

Each is a frozen value; its place in history, its `seq`, is given when it is folded in. The event's name on the
wire is the class's name in snake case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archwright.language.model import ErrorCategory, Priority

Json = Any
"""JSON, decoded; its depth and numbers were checked at the edge."""


@dataclass(frozen=True, slots=True)
class WorkflowCreated:
    """The workflow was accepted."""

    at: datetime
    definition_name: str
    definition_version: str
    definition_hash: str
    input: Json
    request_id: str
    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class WorkflowStarted:
    """The first steps may make their tasks; the workflow's time runs."""

    at: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class TaskCreated:
    """A step was reached, and its task waits for an agent.

    The input itself is not kept but its hash: it can be computed again from the definition and the outputs.
    """

    at: datetime
    step: str
    task_id: str
    agent_type: str
    task_type: str
    priority: Priority
    timeout_seconds: int
    queue_by: datetime | None
    input_sha256: str


@dataclass(frozen=True, slots=True)
class ArtifactMade:
    """A file that a result names."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    """A task's result was applied.

    `next` is the step that follows by the definition's conditions, or `end`.
    """

    at: datetime
    step: str
    task_id: str
    attempt: int
    agent_id: str
    output: Json
    next: str
    failures: int = 0
    artifacts: tuple[ArtifactMade, ...] = ()
    usage: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """An attempt failed. With `retry_at` the task is tried again then; without, the step has failed.

    `failures` counts what was charged against the task's attempts, this one included.
    """

    at: datetime
    step: str
    task_id: str
    attempt: int
    agent_id: str
    category: ErrorCategory
    code: str
    message: str
    charged: bool
    failures: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskRetried:
    """The pause after a failure is over, and the task waits for an agent again."""

    at: datetime
    step: str
    task_id: str
    queue_by: datetime | None
    failures: int


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """An open task was called off with its workflow."""

    at: datetime
    step: str
    task_id: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step that was reached could not make its task."""

    at: datetime
    step: str
    category: ErrorCategory
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class WorkflowCompleted:
    """Every step that was reached is done."""

    at: datetime
    output: Json


@dataclass(frozen=True, slots=True)
class WorkflowFailed:
    """The workflow cannot go on, for the reason of `step`; empty where it is nobody's."""

    at: datetime
    step: str
    category: ErrorCategory
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class WorkflowRetried:
    """A failed workflow goes on from the steps that failed or were called off with it."""

    at: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class WorkflowCancelled:
    """Somebody called the workflow off."""

    at: datetime
    user_id: str
    reason: str
    request_id: str = ""


Event = (
    WorkflowCreated
    | WorkflowStarted
    | TaskCreated
    | TaskCompleted
    | TaskFailed
    | TaskRetried
    | TaskCancelled
    | StepFailed
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowRetried
    | WorkflowCancelled
)
"""Everything that can have happened."""
