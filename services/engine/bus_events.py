"""What the bus is told about an event: what routes it, never what is in it."""

from __future__ import annotations

from archwright.events.catalogue import routing
from archwright.language.plan import Plan
from services.bus.event import BusEvent
from services.engine.domain.telling import agent_type_of, failures_before, name_of, payload_of, step_of, task_of
from services.engine.ports.history import Numbered
from services.engine.ports.keys import Key


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
        attributes=routing(name, payload_of(event)),
        agent_type=agent_type_of(plan, event),
        step=step_of(event),
        task_id=task_of(event),
        correlation_id=request_id,
        retry_count=failures_before(event),
    )
