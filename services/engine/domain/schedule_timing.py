"""When a schedule fires: pure arithmetic on moments in UTC.

An interval counts seconds from the beginning of 1970, shifted by its offset, so every replica agrees on it
without a word. A cron expression speaks of the clock on a wall somewhere, and twice a year that clock jumps:

- Times that are fixed (no `*` at the head of the minute or the hour, such as `30 2 * * *`) fire once a day. One
  that the spring gap leaves out fires as the gap ends; one that comes twice in autumn fires the first time.
- Times that recur (a `*` there, such as `*/15 * * * *`) follow the time that passes. Nothing is made up for in
  spring, and in autumn the repeated hour counts twice.

This is the rule of Debian's cron, and cronsim, which reads the expressions, is where it is written down in code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields of cron, read on the clock of a time zone. Made by `schedule_text.read_cron`, which checks both."""

    expression: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds, shifted by `offset_seconds` from the beginning of 1970 in UTC."""

    every_seconds: int
    offset_seconds: int = 0


Timing = Cron | Interval


def firings_after(timing: Timing, moment: datetime) -> Iterator[datetime]:
    """Yield the firings after `moment`, in order; an expression that never matches again ends."""
    match timing:
        case Interval(every_seconds, offset_seconds):
            every = timedelta(seconds=every_seconds)
            origin = _EPOCH + timedelta(seconds=offset_seconds)
            passed = (moment - origin) // every
            firing = origin + (passed + 1) * every
            while True:
                yield firing
                firing += every
        case Cron(expression, time_zone):
            last = moment
            for local in CronSim(expression, moment.astimezone(ZoneInfo(time_zone))):
                firing = local.astimezone(UTC)
                # In the hour that autumn repeats, a fixed time is found that has passed the first time round.
                if firing > last:
                    last = firing
                    yield firing


def next_firing(timing: Timing, moment: datetime) -> datetime | None:
    """Return the first firing after `moment`; None when there is none in the next 50 years."""
    return next(firings_after(timing, moment), None)


def firings_between(timing: Timing, first: datetime, last: datetime, *, limit: int) -> list[datetime]:
    """Return at most `limit` firings from `first` to `last`, both included."""
    found: list[datetime] = []
    for firing in firings_after(timing, first - _SECOND):
        if firing > last or len(found) == limit:
            break
        if firing >= first:
            found.append(firing)
    return found
