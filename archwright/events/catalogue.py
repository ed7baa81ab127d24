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
        _history("workflow_created", "A workflow was accepted.", "definition_name", "definition_version"),
        _history("workflow_started", "The first steps may make their tasks; the workflow's time runs."),
        _history("workflow_completed", "Every step that was reached is done."),
        _history("workflow_failed", "The workflow cannot go on.", "category", "code"),
        _history("workflow_retried", "A failed workflow goes on from the steps that failed."),
        _history("workflow_cancelled", "Somebody called the workflow off."),
        _history("step_failed", "A step was reached and could not make its task.", "category", "code"),
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
        _history("task_cancelled", "A task was called off with its workflow."),
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
