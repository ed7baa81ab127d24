"""Events as JSON text, and back.

An event is an object whose `type` is its name on the wire; fields at their default are left out. Times are RFC 3339
text. The names and fields of events are read by every later version: they may be added to, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from archwright.language.model import Priority
from services.engine.domain.events import Event
from services.engine.domain.transitions import WorkflowStatus

STATUS_NUMBER: Mapping[WorkflowStatus, int] = {
    WorkflowStatus.PENDING: 1,
    WorkflowStatus.RUNNING: 2,
    WorkflowStatus.COMPLETED: 3,
    WorkflowStatus.FAILED: 4,
    WorkflowStatus.CANCELLED: 5,
    WorkflowStatus.PAUSED: 6,
}
"""The numbers of the column `workflows.status`, the same as in the API."""

PRIORITY_NUMBER: Mapping[Priority, int] = {
    Priority.LOW: 1,
    Priority.NORMAL: 2,
    Priority.HIGH: 3,
    Priority.CRITICAL: 4,
}
"""The numbers of the column `open_tasks.priority`: the more urgent, the higher."""

PRIORITY_OF_NUMBER = {number: priority for priority, number in PRIORITY_NUMBER.items()}


_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[Event])


def dump_events(events: Sequence[Event]) -> bytes:
    """Return the text of events in a row."""
    return _ENCODER.encode(events)


def load_events(text: bytes) -> list[Event]:
    """Return the events of a text that `dump_events` made."""
    return _DECODER.decode(text)


def moment(text: str | None) -> datetime | None:
    """Return the time that a text names."""
    return None if text is None else datetime.fromisoformat(text)
