"""Reads what callers ask of schedules; what is wrong with a field is told by its name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from archwright import ids, payloads
from archwright.engine.v1 import schedules_pb2 as pb
from archwright.errors import PayloadTooLarge, RequestInvalid, Violation
from archwright.serving.calls import Call
from services.engine.domain.events import Json
from services.engine.domain.schedule_text import read_cron, read_interval
from services.engine.domain.schedule_timing import Timing

_NOTE_CHARACTERS_MAX = 1_000
_TEXT_CHARACTERS_MAX = 200
_YEAR_MAX = 9_000


def timing_of(timing: pb.Timing) -> Timing:
    """Return when a schedule fires; raises RequestInvalid."""
    match timing.WhichOneof("kind"):
        case "cron":
            return read_cron(timing.cron, timing.time_zone)
        case "interval":
            if timing.time_zone:
                raise wrong(
                    "timing.time_zone",
                    "timing.time_zone is for cron. An interval counts seconds from the beginning of 1970 in UTC: "
                    "shift it by interval.offset.",
                )
            interval = timing.interval
            return read_interval(
                _length("interval.every", interval.every.seconds, interval.every.nanos),
                _length("interval.offset", interval.offset.seconds, interval.offset.nanos),
            )
        case _:
            raise wrong("timing", "timing is missing: give a cron expression or an interval.")


def _length(field: str, seconds: int, nanos: int) -> timedelta:
    if nanos:
        raise wrong(field, f"{field} takes whole seconds.")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise wrong(field, f"{field} is {seconds} s, which is beyond any calendar.") from None


def moment_of(field: str, moment: Timestamp) -> datetime:
    """Return a moment that still leaves room in the calendar; raises RequestInvalid."""
    try:
        found = moment.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise wrong(field, f"{field} is no moment between the years 1 and {_YEAR_MAX}.") from None
    # Time zones and the firings after it must still fit into the calendar.
    if not 1 < found.year < _YEAR_MAX:
        raise wrong(field, f"{field} is {found.year}; it must lie between the years 2 and {_YEAR_MAX - 1}.")
    return found


def input_of(request: pb.CreateScheduleRequest) -> Json:
    """Return the checked input; raises PayloadInvalid or PayloadTooLarge."""
    given = payloads.from_struct(request.input, root="input")
    size = len(payloads.canonical(given))
    if size > payloads.LIMIT_BYTES:
        raise PayloadTooLarge(
            f"input has {size:,} bytes as JSON; the limit is {payloads.LIMIT_BYTES:,}. "
            "Put large content into an artifact instead.",
            facts={"field": "input", "size_bytes": str(size), "limit_bytes": str(payloads.LIMIT_BYTES)},
        )
    return given


def body_hash(request: Message) -> bytes:
    """Return the hash of everything in a request but its id."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


def request_id_of(given: str, call: Call) -> str:
    """Return the id that the caller gave in the message or the header, or a new one."""
    return short("request_id", given or call.request_id) or ids.show("req", ids.new_uuid())


def note_of(text: str) -> str:
    """Return a note of a bearable length; raises RequestInvalid."""
    if len(text) > _NOTE_CHARACTERS_MAX:
        raise wrong("note", f"note has {len(text)} characters; the limit is {_NOTE_CHARACTERS_MAX}.")
    return text


def short(field: str, text: str) -> str:
    """Return a text of a bearable length; raises RequestInvalid."""
    if len(text) > _TEXT_CHARACTERS_MAX:
        raise wrong(field, f"{field} is longer than {_TEXT_CHARACTERS_MAX} characters.")
    return text


def count_of(field: str, asked: int, default: int, most: int, *, exact: bool) -> int:
    """Return how many are asked for; more than `most` is refused where it must be `exact`, else cut."""
    if asked < 0 or (exact and asked > most):
        raise wrong(field, f"{field} is {asked}; it must be from 0 to {most}.")
    return min(asked or default, most)


def wrong(field: str, description: str) -> RequestInvalid:
    """Return the refusal of a field."""
    return RequestInvalid(description, violations=[Violation(field, description)], facts={"field": field})
