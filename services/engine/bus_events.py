"""What the bus is told about an event: what routes it, never what is in it."""

from __future__ import annotations

from collections.abc import Mapping

from archwright.events.catalogue import CATALOGUE
from archwright.language.plan import Plan
from services.bus.event import BusEvent
from services.engine.domain.events import Event, Json
from services.engine.domain.telling import NAMES, agent_type_of, failures_before, name_of, step_of, task_of, told
from services.engine.ports.history import Numbered
from services.engine.ports.keys import Key

_ROUTING: Mapping[type[Event], tuple[str, ...]] = {
    kind: tuple(sorted(CATALOGUE[name].routing)) if name in CATALOGUE else () for kind, name in NAMES.items()
}
"""The fields of every kind of event that the bus may carry."""


def routing_of(event: Event) -> dict[str, str]:
    """Return what of an event may be told to everybody, as text."""
    return {name: _text(told(value)) for name in _ROUTING[type(event)] if (value := getattr(event, name)) is not None}


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def bus_event(key: Key, plan: Plan, request_id: str, numbered: Numbered) -> BusEvent:
    """Return the event as the bus carries it."""
    event = numbered.event
    name = name_of(type(event))
    return BusEvent(
        tenant=key.tenant,
        workflow_id=key.workflow_id,
        seq=numbered.seq,
        event_type=name,
        timestamp=event.at,
        definition_name=plan.definition.name,
        definition_version=plan.definition.version,
        attributes=routing_of(event),
        agent_type=agent_type_of(plan, event),
        step=step_of(event),
        task_id=task_of(event),
        correlation_id=request_id,
        retry_count=failures_before(event),
    )
