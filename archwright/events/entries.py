"""Reads what an entry of a stream holds: a CloudEvents batch, each event of which is judged by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

_TEXTS = (
    *("event_id", "workflow_id", "agent_type", "event_type", "correlation_id", "tenant", "traceparent"),
    *("step", "task_id", "definition_name", "definition_version"),
)
_REQUIRED = ("workflow_id", "event_type", "tenant")
_SHOWN_LENGTH_MAX = 200
_TEXT_LENGTH_MAX = 2_000
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Received:
    """One event of an entry. Without `event` it could not be read, and `problem` says why."""

    envelope: bytes
    """The CloudEvents envelope as JSON; of what is none, the bytes as they came."""
    event: WorkflowEvent | None
    problem: str = ""

    @property
    def event_id(self) -> str:
        """The id of the event; empty where it could not be read."""
        return "" if self.event is None else self.event.event_id


def read_entry(fields: Mapping[bytes, bytes]) -> tuple[Received, ...]:
    """Return the events of an entry. Never fails: what cannot be read says so itself."""
    text = fields.get(b"events")
    if text is None:
        shown = b", ".join(sorted(fields))[:_SHOWN_LENGTH_MAX]
        return (Received(shown, None, "The entry has no field `events`."),)
    try:
        envelopes = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return (Received(text, None, f"The field `events` is not JSON: {error}."),)
    if not isinstance(envelopes, list):
        return (Received(text, None, "The field `events` is no JSON array of CloudEvents."),)
    return tuple(map(_received, envelopes))


def group_of(fields: Mapping[bytes, bytes]) -> str:
    """Return the one group that an entry is for; empty where it is for all."""
    return fields.get(b"group", b"").decode(errors="replace")


def _received(envelope: Any) -> Received:
    text = orjson.dumps(envelope)
    try:
        return Received(text, _event(envelope))
    except (KeyError, TypeError, ValueError) as error:
        return Received(text, None, f"It is no event of Archwright: {error or type(error).__name__}")


def _event(envelope: Any) -> WorkflowEvent:
    facts = envelope["data"] if isinstance(envelope, dict) and "data" in envelope else None
    if not isinstance(facts, dict):
        raise ValueError("it has no object `data`.")
    missing = [name for name in _REQUIRED if not facts.get(name)]
    if missing:
        raise ValueError(f"`data` lacks {', '.join(missing)}.")
    seq = int(facts["seq"])
    if seq < 1:
        raise ValueError(f"its seq is {seq}; it counts from 1.")
    texts = {name: facts.get(name, "") for name in _TEXTS}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > _TEXT_LENGTH_MAX or "\0" in value:
            raise ValueError(f"its {name} is no text of at most {_TEXT_LENGTH_MAX} characters without NUL.")
    if not _TENANT.fullmatch(texts["tenant"]):
        raise ValueError("its tenant is none.")
    event = WorkflowEvent(seq=seq, retry_count=facts.get("retry_count", 0), **texts)
    event.event_id = event.event_id or f"{event.workflow_id}:{seq}"
    payload, timestamp = facts.get("payload") or {}, facts.get("timestamp")
    if not isinstance(payload, dict) or not isinstance(timestamp, str | None):
        raise ValueError("its payload is no object, or its timestamp no text.")
    event.payload.update(payload)
    if timestamp:
        event.timestamp.FromJsonString(timestamp)
    return event
