"""Moments, and when schedules fire, as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from archwright.cli.lengths import seconds_of
from archwright.client.schedules import cron as cron_timing
from archwright.client.schedules import every as interval_timing
from archwright.engine.v1.schedules_pb2 import Timing
from archwright.errors import RequestInvalid


def timing_of(cron: str, time_zone: str, every: str, offset: str) -> Timing:
    """Return the timing that options name; raises RequestInvalid unless they name one."""
    if bool(cron) == bool(every):
        raise RequestInvalid("Say when: --cron '0 6 * * MON-FRI', or --every 15m; one of the two.")
    if cron:
        if offset:
            raise RequestInvalid("--offset goes with --every; a cron expression says its minute itself.")
        return cron_timing(cron, time_zone)
    timing = interval_timing(seconds_of(every), offset_seconds=seconds_of(offset) if offset else 0)
    timing.time_zone = time_zone
    return timing


def moment_of(option: str, text: str) -> datetime:
    """Return the moment that an option names, in UTC where it names no zone; raises RequestInvalid."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestInvalid(
            f"{option} is {text!r}, which is no time. Write it as 2026-11-01, or 2026-11-01T06:00:00Z.",
            facts={"option": option},
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
