"""Events as JSON text, and back.

An event is an object whose `type` is its name on the wire; fields at their default are left out. Times are
milliseconds since 1970. The names and fields written here are read by every later version: they may be added to,
never changed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from archwright.language.model import ErrorCategory, Priority
from services.engine.domain.events import ArtifactMade, Event, Parent
from services.engine.domain.telling import FIELDS, NAMES
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


_TYPE, _OF_TYPE = "type", "of_type"
"""Where an event's own name stands, and where its field does that is called so too."""

_KINDS: Mapping[str, type[Event]] = {name: kind for kind, name in NAMES.items()}


def dump_events(events: Sequence[Event]) -> bytes:
    """Return the text of events in a row."""
    return orjson.dumps([_event_object(event) for event in events])


def load_events(text: bytes) -> list[Event]:
    """Return the events of a text that `dump_events` made."""
    return [_event(each) for each in orjson.loads(text)]


def _event_object(event: Event) -> dict[str, Any]:
    kind = type(event)
    found: dict[str, Any] = {_TYPE: NAMES[kind]}
    defaults = _DEFAULTS[kind]
    for name in FIELDS[kind]:
        value = getattr(event, name)
        if name in defaults and _is_same(value, defaults[name]):
            continue
        if isinstance(value, datetime):
            value = in_ms(value)
        elif name == "artifacts":
            value = [[made.name, made.sha256] for made in value]
        elif name == "parent":
            value = [value.workflow_id, value.step]
        found[_OF_TYPE if name == _TYPE else name] = value
    return found


def _is_same(value: Any, default: Any) -> bool:
    """Return whether a value is the default itself: an empty list is not null, and neither is false."""
    return value is default or (type(value) is type(default) and value == default)


def _event(found: dict[str, Any]) -> Event:
    kind = _KINDS[found.pop(_TYPE)]
    if _OF_TYPE in found:
        found[_TYPE] = found.pop(_OF_TYPE)
    for name, read in _READERS.items():
        if found.get(name) is not None:
            found[name] = read(found[name])
    return kind(**found)


def in_ms(value: datetime | None) -> int | None:
    """Return a time as milliseconds since 1970."""
    return None if value is None else round(value.timestamp() * 1000)


def from_ms(value: int | None) -> datetime | None:
    """Return the time of that many milliseconds since 1970."""
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def _artifacts(value: list[list[str]]) -> tuple[ArtifactMade, ...]:
    return tuple(ArtifactMade(name, sha256) for name, sha256 in value)


def _parent(value: list[str]) -> Parent:
    return Parent(*value)


_DEFAULTS: Mapping[type[Event], Mapping[str, Any]] = {
    kind: {
        each.name: each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
        for each in dataclasses.fields(kind)
        if (each.default is not dataclasses.MISSING and not each.default)
        or each.default_factory is not dataclasses.MISSING
    }
    for kind in NAMES
}
"""The fields of every kind of event that are left out when they have their default, and what that is."""

_READERS: Mapping[str, Callable[[Any], Any]] = {
    "at": from_ms,
    "deadline": from_ms,
    "queue_by": from_ms,
    "retry_at": from_ms,
    "until": from_ms,
    "expires_at": from_ms,
    "priority": Priority,
    "category": ErrorCategory,
    "artifacts": _artifacts,
    "parent": _parent,
    "steps": tuple,
    "errors": tuple,
    "approvers": tuple,
    "vars": tuple,
    "missing": tuple,
}
