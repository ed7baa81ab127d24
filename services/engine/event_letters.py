"""What a group of the bus has given up, as a dead letter."""

from __future__ import annotations

import uuid
from datetime import datetime

import orjson

from archwright import ids
from archwright.events.entries import read_entry
from archwright.language.model import ErrorCategory
from archwright.serving.tokens import PLATFORM_TENANT
from services.bus.port import PutAway
from services.engine.ports.dead_letters import LetterKind, LetterRow

GIVEN_UP, UNREADABLE = "EVENT_GIVEN_UP", "EVENT_UNREADABLE"
_NOWHERE = ids.show("wf", uuid.UUID(int=0))


def letter_of(put_away: PutAway, at: datetime) -> LetterRow:
    """Return the dead letter. What nobody can read belongs to no tenant's workflow, so the platform's people get it."""
    given_up = put_away.given_up
    [received] = read_entry({b"events": b"[" + given_up.envelope + b"]"})[:1] or (None,)
    event = None if received is None else received.event
    if event is None or not _is_id("wf", event.workflow_id) or (event.task_id and not _is_id("task", event.task_id)):
        return LetterRow(
            letter_id=ids.show("letter", ids.new_uuid()),
            tenant=PLATFORM_TENANT,
            kind=LetterKind.EVENT,
            workflow_id=_NOWHERE,
            definition_name="",
            definition_version="",
            category=ErrorCategory.PERMANENT,
            code=UNREADABLE,
            attempts=given_up.retry_count,
            created_at=at,
            group=put_away.group,
            event_id=f"{put_away.partition}:{put_away.number}",
            envelope=_json(given_up.envelope),
            error=_printable(given_up.error),
        )
    return LetterRow(
        letter_id=ids.show("letter", ids.new_uuid()),
        tenant=event.tenant,
        kind=LetterKind.EVENT,
        workflow_id=event.workflow_id,
        definition_name=event.definition_name,
        definition_version=event.definition_version,
        category=ErrorCategory.TRANSIENT,
        code=GIVEN_UP,
        attempts=given_up.retry_count,
        created_at=at,
        step=event.step,
        task_id=event.task_id,
        agent_type=event.agent_type,
        seq=event.seq,
        group=put_away.group,
        event_id=given_up.event_id,
        envelope=given_up.envelope,
        error=_printable(given_up.error),
    )


def _is_id(prefix: str, text: str) -> bool:
    try:
        ids.read(prefix, text)
    except ids.MalformedId:
        return False
    return True


def _printable(text: str) -> str:
    # No database takes a NUL, and no terminal should take an escape sequence.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _json(text: bytes) -> bytes:
    """Return bytes that may be anything as JSON, so that whoever reads letters need not care."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.dumps({"unreadable": text.decode(errors="replace")})
    return text
