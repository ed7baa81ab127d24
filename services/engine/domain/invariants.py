"""What must hold of every commit, asked of each one while it serves.

That it holds is shown by tests and by the simulation; this is for the day on which they were wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from services.engine.domain.events import (
    Event,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
)
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.workflow import Workflow


class Invariant(StrEnum):
    """What was seen that must never happen, by what it breaks."""

    CONTIGUOUS_HISTORY = "contiguous_history"
    """The numbers of a workflow's events have no gap."""
    LEGAL_TRANSITION = "legal_transition"
    """Every move is in the table."""
    NOTHING_AFTER_THE_END = "nothing_after_the_end"
    """A workflow that has ended has no events but an explicit retry, and what that brings."""
    STATE_AS_TOLD = "state_as_told"
    """The state is what the events make of it."""
    STORABLE = "storable"
    """What was decided the database can hold."""
    ASSERTION = "assertion"
    """What the code takes for granted."""


_STATUS_AFTER: Mapping[type, WorkflowStatus] = {
    WorkflowCreated: WorkflowStatus.PENDING,
    WorkflowStarted: WorkflowStatus.RUNNING,
    WorkflowPaused: WorkflowStatus.PAUSED,
    WorkflowResumed: WorkflowStatus.RUNNING,
    WorkflowCompleted: WorkflowStatus.COMPLETED,
    WorkflowFailed: WorkflowStatus.FAILED,
    WorkflowRetried: WorkflowStatus.RUNNING,
    WorkflowCancelled: WorkflowStatus.CANCELLED,
}


def broken(before: Workflow, events: Sequence[Event], after: Workflow) -> Iterator[Invariant]:
    """Yield what a commit of these events broke, which made `after` of `before`."""
    if after.last_seq != before.last_seq + len(events):
        yield Invariant.CONTIGUOUS_HISTORY
    status, is_new = before.status, before.last_seq == 0
    for event in events:
        moved = _STATUS_AFTER.get(type(event))
        if moved is None:
            if status.is_final:
                yield Invariant.NOTHING_AFTER_THE_END
            continue
        # Created is not a move but the beginning, and only that.
        if not is_new if moved is WorkflowStatus.PENDING else moved not in WORKFLOW_TRANSITIONS[status]:
            yield Invariant.LEGAL_TRANSITION
        status, is_new = moved, False
    if after.status is not status:
        yield Invariant.STATE_AS_TOLD
