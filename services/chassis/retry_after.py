"""How long to leave a server alone, by what it says."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

PAUSE_SECONDS: Final = 60.0
"""After 429 without a time."""
PAUSE_SECONDS_MAX: Final = 600.0


def pause_of(status: int, retry_after: str, now: datetime) -> float | None:
    """Return for how many seconds to ask nothing after a 429 or 503; None where nobody asked for a pause."""
    seconds = seconds_of(retry_after, now)
    return PAUSE_SECONDS if status == 429 and seconds is None else seconds


def seconds_of(retry_after: str, now: datetime) -> float | None:
    """Return how long to wait by a `Retry-After`, seconds or a date, up to ten minutes; None when it is neither."""
    try:
        seconds = float(retry_after) if retry_after.strip().isdigit() else _until(retry_after, now)
    except (ValueError, OverflowError):
        return None
    return min(max(1.0, seconds), PAUSE_SECONDS_MAX) if math.isfinite(seconds) else PAUSE_SECONDS_MAX


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
