"""What is wrong with the timing that somebody wrote is told in words that help."""

from __future__ import annotations

from datetime import timedelta

import pytest

from archwright.errors import RequestInvalid
from services.engine.domain.schedule_text import read_cron, read_interval
from services.engine.domain.schedule_timing import Interval

ZERO = timedelta()


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("60 * * * *", ("'60' as its minute", "0 to 59")),
        ("* 24 * * *", ("'24' as its hour", "0 to 23")),
        ("* * 0 * *", ("'0' as its day-of-month", "1 to 31")),
        ("* * * 13 *", ("'13' as its month", "JAN to DEC")),
        ("* * * * FUN", ("'FUN' as its day-of-week", "SUN to SAT")),
        ("* * * * FRI-MON", ("'FRI-MON' as its day-of-week", "ranges upwards")),
        ("*/0 * * * *", ("'*/0' as its minute", "steps")),
        ("*/90 * * * *", ("a step of 90", "60 values", "use an interval")),
        ("1,,2 * * * *", ("'1,,2' as its minute",)),
        ("-5 * * * *", ("'-5' as its minute",)),
        ("٣ * * * *", ("'٣' as its minute",)),
        ("0 0 31 2 *", ("never fires",)),
        ("0 0 */31 2 MON#5", ("never fires",)),
        ("* * * *", ("has 4 fields", "it takes five", "minute, hour, day-of-month, month, day-of-week")),
        ("0 0 0 * * *", ("has 6 fields", "For seconds, use an interval")),
        ("", ("has 0 fields",)),
        ("@reboot", ("'@reboot' is not known", "@daily")),
        ("every day", ("has 2 fields",)),
        ("*" * 300, ("300 characters", "256")),
    ],
)
def test_a_wrong_expression_is_told_by_its_field(expression: str, says: tuple[str, ...]) -> None:
    with pytest.raises(RequestInvalid) as refused:
        read_cron(expression, "UTC")

    assert [words for words in says if words not in refused.value.message] == []
    assert refused.value.violations[0].field == "cron"


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Amerika/New_York", "America/New_York"),
        ("Middle-earth", "IANA"),
        ("../../etc/passwd", "IANA"),
        ("x" * 10_000, "IANA"),
    ],
)
def test_a_wrong_time_zone_is_told_with_what_may_be_meant(zone: str, says: str) -> None:
    with pytest.raises(RequestInvalid, match="is not known") as refused:
        read_cron("@daily", zone)

    assert says in refused.value.message
    assert len(refused.value.message) < 300


def test_a_time_zone_is_known_however_it_is_spelt() -> None:
    assert read_cron("@daily", "europe/berlin").time_zone == "Europe/Berlin"


def test_without_a_time_zone_it_is_utc() -> None:
    assert read_cron("@daily", "").time_zone == "UTC"


@pytest.mark.parametrize(
    ("every", "offset", "field"),
    [
        (timedelta(), ZERO, "interval.every"),
        (timedelta(seconds=-1), ZERO, "interval.every"),
        (timedelta(seconds=1.5), ZERO, "interval.every"),
        (timedelta(days=400), ZERO, "interval.every"),
        (timedelta(minutes=1), timedelta(minutes=1), "interval.offset"),
        (timedelta(minutes=1), timedelta(seconds=-1), "interval.offset"),
    ],
)
def test_a_wrong_interval_is_told_by_its_field(every: timedelta, offset: timedelta, field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        read_interval(every, offset)

    assert refused.value.violations[0].field == field


def test_an_interval_may_be_a_second() -> None:
    assert read_interval(timedelta(seconds=1), ZERO) == Interval(1, 0)
