"""How workflows and attempts ended, as events tell it: what is counted of them, each fact once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from archwright.language.model import ErrorCategory
from services.engine.domain.events import (
    LEASE_EXPIRED,
    Event,
    TaskCompleted,
    TaskFailed,
    TaskRepairRequested,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowFailed,
    WorkflowRetried,
)
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Workflow

AttemptOutcome: TypeAlias = Literal["completed", "failed", "sent_back"]
"""An output that does not fit its schema is sent back to be repaired, which is no failure."""


class WorkflowEnd(NamedTuple):
    """An execution that ended. `seconds` since it was accepted; None after a retry, for which somebody took his time.

    `category` says why a failed one failed.
    """

    status: WorkflowStatus
    seconds: float | None
    category: ErrorCategory | None = None


class AttemptEnd(NamedTuple):
    """An attempt that ended, and why a failed one failed."""

    outcome: AttemptOutcome
    category: ErrorCategory | None = None
    agent_was_lost: bool = False


_TELLING = frozenset({WorkflowCreated, WorkflowRetried, WorkflowCompleted, WorkflowFailed, WorkflowCancelled})


def workflow_ends(before: Workflow, events: Sequence[Event]) -> Iterator[WorkflowEnd]:
    """Yield how the workflow ended in these events, which came after `before`; nearly always that is not at all."""
    began, was_retried = before.created_at, before.retries > 0
    for event in events:
        if type(event) not in _TELLING:  # asked of every event there is, and much faster than matching
            continue
        seconds = None if began is None or was_retried else (event.at - began).total_seconds()
        match event:
            case WorkflowCreated(at=at):
                began = at
            case WorkflowRetried():
                was_retried = True
            case WorkflowCompleted():
                yield WorkflowEnd(WorkflowStatus.COMPLETED, seconds)
            case WorkflowFailed(category=category):
                yield WorkflowEnd(WorkflowStatus.FAILED, seconds, category)
            case WorkflowCancelled():
                yield WorkflowEnd(WorkflowStatus.CANCELLED, seconds)
            case _:
                pass


def attempt_end(events: Sequence[Event], task_id: str, attempt: int) -> AttemptEnd | None:
    """Return how these events ended an attempt; None where they did not, such as when its workflow was called off."""
    for event in events:
        match event:
            case TaskCompleted() if (event.task_id, event.attempt) == (task_id, attempt):
                return AttemptEnd("completed")
            case TaskRepairRequested() if (event.task_id, event.attempt) == (task_id, attempt):
                return AttemptEnd("sent_back")
            case TaskFailed() if (event.task_id, event.attempt) == (task_id, attempt):
                return AttemptEnd("failed", event.category, agent_was_lost=event.code == LEASE_EXPIRED)
            case _:
                pass
    return None
