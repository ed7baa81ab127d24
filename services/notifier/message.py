"""What channels deliver, and what is known of the event that it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Final

import orjson
from google.protobuf.json_format import MessageToDict

from archwright.events.catalogue import CATALOGUE
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.bus.event import BusEvent, to_cloud_event
from services.notifier.templates import Fields

FIELD_LENGTH_MAX: Final = 500
"""Of what is filled into a template."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told about an event."""

    event_id: str
    """The same for each repetition."""
    subject: str
    """One line."""
    body: str
    html: str
    """The same for those who read HTML; may be empty."""
    link: str
    """Where to look; may be empty."""
    envelope: bytes
    """The event as a CloudEvent, in JSON, as the bus carries it."""


def fields_of(event: WorkflowEvent, *, link: str) -> Fields:
    """Return what templates may name. Of the payload, every field that the bus may carry is there, if only empty."""
    known = CATALOGUE[event.event_type]
    payload = {name: _text(value) for name, value in MessageToDict(event.payload).items() if name in known.routing}
    return {
        "event": {
            "id": event.event_id,
            "type": event.event_type,
            "title": event.event_type.replace("_", " ").capitalize(),
            "meaning": known.meaning,
            "tenant": event.tenant,
            "workflow_id": event.workflow_id,
            "definition_name": _text(event.definition_name),
            "definition_version": _text(event.definition_version),
            "step": _text(event.step),
            "task_id": event.task_id,
            "agent_type": _text(event.agent_type),
            "seq": str(event.seq),
            "retry_count": str(event.retry_count),
            "timestamp": event.timestamp.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        },
        "payload": dict.fromkeys(known.routing, "") | payload,
        "link": link,
    }


def envelope_of(event: WorkflowEvent) -> bytes:
    """Return the event as the bus carries it."""
    return orjson.dumps(
        to_cloud_event(
            BusEvent(
                tenant=event.tenant,
                workflow_id=event.workflow_id,
                seq=event.seq,
                event_type=event.event_type,
                timestamp=event.timestamp.ToDatetime(UTC),
                attributes={
                    name: str(value)
                    for name, value in MessageToDict(event.payload).items()
                    if name in CATALOGUE[event.event_type].routing
                },
                agent_type=event.agent_type,
                step=event.step,
                task_id=event.task_id,
                correlation_id=event.correlation_id,
                retry_count=event.retry_count,
                traceparent=event.traceparent,
                definition_name=event.definition_name,
                definition_version=event.definition_version,
            )
        )
    )


def _text(value: object) -> str:
    # What people named themselves: a mail header and a chat take it on one line, and of bounded length.
    text = str(value)[:FIELD_LENGTH_MAX]
    return "".join(character if character.isprintable() else " " for character in text)
