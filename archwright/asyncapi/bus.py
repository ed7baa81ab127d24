"""The bus in the document: sixteen streams, whose entries are batches of CloudEvents, and every type of event."""

from __future__ import annotations

from archwright.events.catalogue import CATALOGUE, TYPE_PREFIX, EventType, Lane
from archwright.events.streams import CONTENT_TYPE, PARTITIONS
from archwright.openapi.schemas import Json, reference

_CHANNEL = "events"
_PUBLISHED = tuple(known for known in CATALOGUE.values() if known.lane is Lane.HISTORY)


def channels() -> Json:
    """Return the streams as one channel with a parameter."""
    return {
        _CHANNEL: {
            "address": "archwright:events:{partition}",
            "title": "Events of workflows",
            "description": "A workflow's events are all in one stream: CRC-32 of its id, modulo 16. An entry has the "
            "fields `content_type` and `events`; one with a field `group` is for that consumer group alone.",
            "servers": [{"$ref": "#/servers/bus"}],
            "parameters": {
                "partition": {
                    "description": "The number of the stream. The braces are part of the name.",
                    "enum": [f"{{{number}}}" for number in range(PARTITIONS)],
                }
            },
            "messages": {"batch": {"$ref": "#/components/messages/batch"}},
        }
    }


def operations() -> Json:
    """Return what may be done with the streams."""
    return {
        "receiveEvents": {
            "action": "receive",
            "summary": "Receive events, at least once, as a consumer group.",
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/batch"}],
        }
    }


def messages() -> Json:
    """Return the batch, and every event that may be in it."""
    batch = {
        "name": "batch",
        "title": "Some events that came together",
        "contentType": CONTENT_TYPE,
        "payload": {
            "type": "array",
            "items": {"oneOf": [{"$ref": f"#/components/schemas/{_name(known)}"} for known in _PUBLISHED]},
        },
    }
    return {"batch": batch} | {
        known.name: {
            "name": known.name,
            "summary": known.meaning,
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": f"#/components/schemas/{_name(known)}"},
        }
        for known in _PUBLISHED
    }


def schemas() -> Json:
    """Return the envelope, and what of it each type of event fixes."""
    return {"CloudEvent": _ENVELOPE} | {_name(known): _schema(known) for known in _PUBLISHED}


def _schema(known: EventType) -> Json:
    routing = {name: {"type": "string"} for name in sorted(known.routing)}
    return {
        "description": known.meaning,
        "allOf": [
            {"$ref": "#/components/schemas/CloudEvent"},
            {
                "type": "object",
                "properties": {
                    "type": {"const": TYPE_PREFIX + known.name},
                    "data": {
                        "type": "object",
                        "properties": {
                            "event_type": {"const": known.name},
                            "payload": {"type": "object", "properties": routing, "additionalProperties": False},
                        },
                    },
                },
            },
        ],
    }


_ENVELOPE: Json = {
    "type": "object",
    "description": "A CloudEvents 1.0 envelope around the fields of WorkflowEvent.",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "The same each time the event is published: `<workflow_id>:<seq>`."},
        "source": {"type": "string", "format": "uri-reference"},
        "type": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "tenant": {"type": "string"},
        "seq": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "traceparent": {"type": "string"},
        "data": reference("archwright.events.v1.WorkflowEvent"),
    },
}


def _name(known: EventType) -> str:
    return "".join(word.capitalize() for word in known.name.split("_")) + "Event"
