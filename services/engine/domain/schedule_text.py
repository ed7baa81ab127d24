"""Reads when a schedule shall fire, from what people write, and says in clear words what is wrong with it."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from archwright.errors import RequestInvalid, Violation
from services.engine.domain.schedule_timing import Cron, Interval, next_firing

EXPRESSION_CHARACTERS_MAX = 256
INTERVAL_SECONDS_MAX = 366 * 24 * 3600

_WHOLE_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * SUN",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_STEPS_MAX = (60, 24, 31, 12, 7)
_STEP = re.compile(r"/(\d+)")
_TAKES = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L for the month's last day, or LW for its last weekday",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7 with Sunday as both, or SUN to SAT; 5L is the month's last Friday, MON#1 its first Monday",
}
_FORMS = "Each field takes *, numbers, lists (1,15), ranges upwards (1-5) and steps (*/10)."
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_SUGGESTIONS_MAX = 3


def read_cron(expression: str, time_zone: str) -> Cron:
    """Return the cron timing; raises RequestInvalid naming the field that is wrong, or similar time zones."""
    zone = _read_zone(time_zone or "UTC")
    if len(expression) > EXPRESSION_CHARACTERS_MAX:
        raise _wrong("cron", f"cron has {len(expression)} characters; the limit is {EXPRESSION_CHARACTERS_MAX}.")
    shown = " ".join(expression.split())
    fields = _WHOLE_WORDS.get(shown.lower(), shown)
    if fields.startswith("@"):
        raise _wrong("cron", f"cron {shown!r} is not known; there are {', '.join(sorted(_WHOLE_WORDS))}.")
    count = len(fields.split())
    if count != len(_FIELDS):
        seconds = " For seconds, use an interval." if count == len(_FIELDS) + 1 else ""
        raise _wrong(
            "cron",
            f"cron {shown!r} has {count} fields; it takes five: {', '.join(_FIELDS)}.{seconds} "
            "For example '0 6 * * MON-FRI'.",
        )
    try:
        CronSim(fields, _SOME_DAY)
    except CronSimError as error:
        raise _wrong("cron", _told(shown, fields.split(), str(error))) from None
    _require_steps_within(shown, fields.split())
    found = Cron(fields.upper(), zone)
    if next_firing(found, _SOME_DAY) is None:
        raise _wrong("cron", _never(shown))
    return found


def read_interval(every: timedelta, offset: timedelta) -> Interval:
    """Return the interval timing; raises RequestInvalid."""
    for field, length in (("interval.every", every), ("interval.offset", offset)):
        if length.microseconds:
            raise _wrong(field, f"{field} is {length.total_seconds()} s; it takes whole seconds.")
    every_seconds, offset_seconds = (int(length.total_seconds()) for length in (every, offset))
    if not 1 <= every_seconds <= INTERVAL_SECONDS_MAX:
        raise _wrong(
            "interval.every",
            f"interval.every is {every_seconds} s; it must be from 1 s to 366 d ({INTERVAL_SECONDS_MAX} s).",
        )
    if not 0 <= offset_seconds < every_seconds:
        raise _wrong(
            "interval.offset",
            f"interval.offset is {offset_seconds} s; it must be from 0 to less than interval.every, {every_seconds} s.",
        )
    return Interval(every_seconds, offset_seconds)


def _told(shown: str, fields: list[str], complaint: str) -> str:
    """Return what is wrong with an expression; cronsim's complaint ends in the field's name."""
    field = complaint.rpartition(" ")[2]
    if field not in _FIELDS:
        return f"cron {shown!r} cannot be read: {complaint}. {_FORMS}"
    place = _FIELDS.index(field)
    if field == "day-of-month" and _is_readable([*fields[:3], "*", fields[4]]):
        return _never(shown)  # such as 31 February: each field is good by itself
    return f"cron {shown!r} has {fields[place]!r} as its {field}, which takes {_TAKES[field]}. {_FORMS}"


def _never(shown: str) -> str:
    return f"cron {shown!r} never fires: no date has all that it asks for."


def _is_readable(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), _SOME_DAY)
    except CronSimError:
        return False
    return True


def _require_steps_within(shown: str, fields: list[str]) -> None:
    """Refuse steps that leave only the first of a field's values: `*/90` minutes are not an hour and a half."""
    for name, text, most in zip(_FIELDS, fields, _STEPS_MAX, strict=True):
        for step in _STEP.findall(text):
            if int(step) > most:
                raise _wrong(
                    "cron",
                    f"cron {shown!r} has {text!r} as its {name}: a step of {step} is longer than the field, which has "
                    f"{most} values. For such spans, use an interval.",
                )


def _read_zone(name: str) -> str:
    """Return the time zone as its database spells it."""
    zones = _zones()
    found = zones.get(name.lower())
    if found is not None:
        return found
    similar = _similar(name.lower(), zones)
    hint = (
        f"Did you mean {' or '.join(similar)}?" if similar else "Names are those of IANA, such as Europe/Berlin or UTC."
    )
    raise _wrong("time_zone", f"time_zone {name[:80]!r} is not known. {hint}")


def _similar(name: str, zones: dict[str, str]) -> list[str]:
    """Return the zones that `name` may mean: by their city, or by a name that is spelt much like it."""
    wanted = name[:80].replace(" ", "_")
    cities = {zone.rpartition("/")[2]: shown for zone, shown in zones.items()}
    if wanted in cities:
        return [cities[wanted]]
    close = difflib.get_close_matches(wanted, zones, _SUGGESTIONS_MAX, cutoff=0.75)
    return [zones[zone] for zone in close] or [
        cities[city] for city in difflib.get_close_matches(wanted, cities, 1, 0.75)
    ]


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    # Sorted, so that of two zones with one city (Asia/Istanbul, Europe/Istanbul) the same is always named.
    return {zone.lower(): zone for zone in sorted(available_timezones())}


def _wrong(field: str, description: str) -> RequestInvalid:
    return RequestInvalid(description, violations=[Violation(field, description)], facts={"field": field})
