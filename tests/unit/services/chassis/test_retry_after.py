"""How long somebody wants to be left alone, by `Retry-After`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.chassis.retry_after import PAUSE_SECONDS, pause_of, seconds_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9" * 400, "-5", "1e9", "nan", "inf", "", "Thu, 99 Foo 2026", "\u0665"])
def test_no_retry_after_makes_a_pause_longer_than_ten_minutes(text: str) -> None:
    seconds = seconds_of(text, NOON)

    assert seconds is None or 1.0 <= seconds <= 600.0


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "7", 7.0),
        (503, "7", 7.0),
        (503, "Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        (429, "", PAUSE_SECONDS),
        (503, "", None),
    ],
)
def test_seconds_and_dates_are_read_and_429_is_a_pause_in_any_case(
    status: int, text: str, seconds: float | None
) -> None:
    assert pause_of(status, text, NOON) == seconds
