"""The times by which things must have happened, and the names of the timers that say so."""

from __future__ import annotations

from datetime import datetime, timedelta

from archwright.language.model import AgentTask
from archwright.language.plan import Plan

DEADLINE_TIMER = "deadline"
"""The timer of the whole workflow."""

ADMISSION_TIMER = "admit"
"""Marks a workflow that waits for room; it is looked for by its age, and never fires by itself."""

RETRY, WAIT, APPROVAL = "retry:", "wait:", "approval:"
"""What the other timers begin with; the step's path follows."""


def later(now: datetime, seconds: float) -> datetime:
    """Return the time so many seconds from now, in whole milliseconds, as times are kept."""
    return now + timedelta(milliseconds=round(seconds * 1000))


def deadline(plan: Plan, now: datetime) -> datetime:
    """Return when a workflow that begins now is out of time."""
    return now + timedelta(seconds=plan.definition.timeout_seconds)


def queue_by(task: AgentTask, now: datetime) -> datetime | None:
    """Return when a task that begins to wait now has waited too long; None when the workflow's time is all it has."""
    seconds = task.queue_timeout_seconds
    return None if seconds is None else now + timedelta(seconds=seconds)
