"""How events are told to others: their names, and what is to be known about each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import get_args

from msgspec import Struct

from archwright.language.model import AgentTask
from archwright.language.plan import Plan
from services.engine.domain.events import Event, Json, TaskCreated, TaskFailed
from services.engine.domain.paths import name_of as name_of_step

_APART = frozenset({"at", "step", "task_id", "failures"})  # these have fields of their own wherever events are told


def name_of(kind: type[Event]) -> str:
    """Return the name on the wire of a kind of event, such as `task_completed`."""
    return NAMES[kind]


def payload_of(event: Event) -> dict[str, Json]:
    """Return everything about an event that has no field of its own: JSON, times as RFC 3339 text."""
    return {name: told(getattr(event, name)) for name in event.__struct_fields__ if name not in _APART}


def step_of(event: Event) -> str:
    """Return the step that an event is about; empty where there is none."""
    return str(getattr(event, "step", ""))


def task_of(event: Event) -> str:
    """Return the task that an event is about; empty where there is none."""
    return str(getattr(event, "task_id", ""))


def agent_type_of(plan: Plan, event: Event) -> str:
    """Return the type of agent that an event is about; empty where there is none."""
    if isinstance(event, TaskCreated):
        return event.agent_type
    place = plan.index.get(name_of_step(step_of(event)))
    kind = None if place is None else plan.nodes[place].step.kind
    return kind.agent_type if isinstance(kind, AgentTask) else ""


def failures_before(event: Event) -> int:
    """Return how many charged failures the task had before this."""
    if isinstance(event, TaskFailed):
        return event.failures - event.charged
    return int(getattr(event, "failures", 0))


def told(value: Json) -> Json:
    """Return a value of an event as JSON: times as RFC 3339 text, words as text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Struct):
        return {name: told(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [told(each) for each in value]
    return value


NAMES: Mapping[type[Event], str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
"""The name on the wire of every kind of event."""
