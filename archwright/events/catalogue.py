"""Every type of event, and what of it may leave the engine.

A name, once here, never changes its meaning. What happened is in the HISTORY lane: numbered, kept, and published
to the bus. How things are getting on is in the LIVE lane: shown to whoever watches, then forgotten.

The bus is not encrypted and history is, so an event's payload stays in history. Only its routing fields, which
are listed here and hold no words of people or agents, are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

TYPE_PREFIX = "dev.archwright."
"""What precedes a type's name in a CloudEvents envelope."""


class Lane(StrEnum):
    """Where events of a type go."""

    HISTORY = "history"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event: its name, its lane, what it means, and which fields of its payload the bus carries."""

    name: str
    lane: Lane
    meaning: str
    routing: frozenset[str] = frozenset()


def _history(name: str, meaning: str, *routing: str) -> EventType:
    return EventType(name, Lane.HISTORY, meaning, frozenset(routing))


def _live(name: str, meaning: str) -> EventType:
    return EventType(name, Lane.LIVE, meaning)


CATALOGUE: Mapping[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        _history("workflow_created", "A workflow was accepted.", "definition_name", "definition_version", "rerun_of"),
        _history("workflow_started", "The first steps may make their tasks; the workflow's time runs."),
        _history("workflow_paused", "Somebody holds the workflow: nothing new is begun, and its time stands still."),
        _history("workflow_resumed", "A held workflow goes on.", "deadline"),
        _history("workflow_completed", "Every step that was reached is done.", "degraded"),
        _history("workflow_failed", "The workflow cannot go on.", "category", "code"),
        _history("workflow_retried", "A failed workflow goes on from the steps that failed.", "deadline"),
        _history("workflow_cancelled", "Somebody called the workflow off."),
        _history("step_started", "A step that holds others was reached.", "case"),
        _history(
            "step_completed",
            "A step that is not a task's is done, or a task's step was done without one.",
            "next",
            "source",
            "degraded",
        ),
        _history("step_skipped", "A step was reached and passed over."),
        _history("step_failed", "A step failed other than by its task.", "category", "code"),
        _history("step_cancelled", "A step that waited, or held others, was called off."),
        _history(
            "failure_tolerated",
            "The workflow goes on without a step that failed: its output is null.",
            "next",
            "category",
            "code",
        ),
        _history("scope_started", "A body begins: a branch, an element, an iteration, a case, or a fallback.", "scope"),
        _history("scope_ended", "A body has ended.", "scope", "failed"),
        _history("compensation_started", "The workflow will fail, and first undoes what it did.", "category", "code"),
        _history("task_created", "A step was reached and its task waits for an agent.", "task_type", "priority"),
        _history("task_completed", "An agent's result was applied.", "agent_id", "attempt", "next"),
        _history(
            "task_failed",
            "An attempt failed. With `retry_at` it is tried again then; without, the step has failed.",
            "agent_id",
            "attempt",
            "category",
            "code",
            "retry_at",
        ),
        _history("task_retried", "The pause after a failure is over, and the task waits for an agent again."),
        _history(
            "task_repair_requested",
            "An output did not fit its schema, and the task goes back to be repaired.",
            "agent_id",
            "attempt",
            "repairs",
        ),
        _history("task_cancelled", "A task was called off: with its workflow, or by what is around its step."),
        _history("wait_started", "A step waits for a time, for a signal, or for either.", "until", "signal"),
        _history("signal_received", "A word came from outside.", "name"),
        _history("timer_due", "A time came while the workflow was paused; it is acted on when it runs again."),
        _history("approval_requested", "A step waits for people.", "approval_id", "quorum", "expires_at"),
        _history(
            "approval_invalidated",
            "What an approval shows has changed, and what was decided about it counts no longer.",
            "approval_id",
        ),
        _history("approval_decided", "Somebody agreed, or did not.", "approval_id", "approved"),
        _history(
            "approval_escalated", "Nobody decided in time, and others are asked as well.", "approval_id", "expires_at"
        ),
        _history(
            "child_started",
            "A step asked for a workflow of its own, and waits for its end.",
            "child_id",
            "definition_name",
            "definition_version",
        ),
        _history("event_emitted", "A step published an event of its author's.", "type"),
        _live("task_assigned", "A task was sent to an agent."),
        _live("task_progress", "An agent said how a task is getting on."),
    )
}
"""Every type of event by its name."""


def routing(event_type: str, payload: Mapping[str, object]) -> dict[str, str]:
    """Return what of `payload` may be published with an event of this type, as text.

    Raises KeyError when the catalogue does not know the type.
    """
    allowed = CATALOGUE[event_type].routing
    return {name: str(value) for name, value in payload.items() if name in allowed and value is not None}
