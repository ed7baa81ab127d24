"""When schedules fire, above all on the two days of the year on which a clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engine.domain.schedule_text import read_cron
from services.engine.domain.schedule_timing import Cron, Interval, firings_after, firings_between, next_firing

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 29, tzinfo=BERLIN)
"""02:00 becomes 03:00: half past two does not exist."""
AUTUMN = datetime(2026, 10, 25, tzinfo=BERLIN)
"""03:00 becomes 02:00: half past two comes twice."""
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "Z")


def cron(expression: str, zone: str = "Europe/Berlin") -> Cron:
    return read_cron(expression, zone)


def on_day(expression: str, day: datetime) -> list[str]:
    """Return the firings of a day on Berlin's wall clocks, with the hours that they are ahead of UTC."""
    firings = firings_between(cron(expression), day, day + timedelta(days=1) - timedelta(seconds=1), limit=100)
    return [firing.astimezone(BERLIN).strftime("%H:%M%z")[:-2] for firing in firings]


def test_a_fixed_time_that_spring_leaves_out_fires_as_the_gap_ends() -> None:
    assert on_day("30 2 * * *", SPRING) == ["03:00+02"]


def test_a_fixed_time_that_autumn_repeats_fires_the_first_time_only() -> None:
    assert on_day("30 2 * * *", AUTUMN) == ["02:30+02"]


def test_fixed_times_around_a_jump_are_not_moved() -> None:
    assert on_day("30 1,4 * * *", SPRING) == ["01:30+01", "04:30+02"]
    assert on_day("30 1,4 * * *", AUTUMN) == ["01:30+02", "04:30+01"]


def test_two_fixed_times_that_fall_together_in_spring_fire_once() -> None:
    assert on_day("0 2,3 * * *", SPRING) == ["03:00+02"]


def test_recurring_times_follow_the_time_that_passes() -> None:
    assert on_day("*/30 1-3 * * *", SPRING) == ["01:00+01", "01:30+01", "03:00+02", "03:30+02"]
    assert on_day("*/30 2 * * *", AUTUMN) == ["02:00+02", "02:30+02", "02:00+01", "02:30+01"]


def test_every_hour_fires_23_times_in_spring_and_25_in_autumn() -> None:
    assert len(on_day("0 * * * *", SPRING)) == 23
    assert len(on_day("0 * * * *", AUTUMN)) == 25


def test_in_the_repeated_hour_a_fixed_time_that_has_passed_is_not_found_again() -> None:
    between_the_two = utc("2026-10-25T01:15:00")  # 02:15 for the second time

    assert next_firing(cron("30 2 * * *"), between_the_two) == utc("2026-10-26T01:30:00")


def test_after_the_firing_that_the_gap_moved_comes_that_of_the_next_day() -> None:
    moved = utc("2026-03-29T01:00:00")

    assert next_firing(cron("30 2 * * *"), moved - timedelta(seconds=1)) == moved
    assert next_firing(cron("30 2 * * *"), moved) == utc("2026-03-30T00:30:00")


def test_a_day_that_a_country_left_out_is_made_up_for_the_next_morning() -> None:
    # Samoa went from 29 to 31 December 2011 when it moved across the date line.
    firings = islice(firings_after(cron("0 6 * * *", "Pacific/Apia"), utc("2011-12-29T00:00:00")), 4)

    assert [firing.astimezone(ZoneInfo("Pacific/Apia")).strftime("%d %H:%M") for firing in firings] == [
        "29 06:00",
        "31 00:00",
        "31 06:00",
        "01 06:00",
    ]


def test_utc_knows_no_jumps() -> None:
    firings = firings_between(cron("30 2 * * *", "UTC"), SPRING, SPRING + timedelta(days=2), limit=10)

    assert firings == [utc("2026-03-29T02:30:00"), utc("2026-03-30T02:30:00")]


def test_a_firing_at_the_very_moment_is_past() -> None:
    assert next_firing(cron("0 12 * * *", "UTC"), NOON) == NOON + timedelta(days=1)
    assert next_firing(Interval(60), NOON) == NOON + timedelta(minutes=1)


def test_an_interval_counts_from_the_beginning_of_1970() -> None:
    assert next_firing(Interval(3600, 900), NOON) == NOON + timedelta(minutes=15)
    assert next_firing(Interval(7), utc("1970-01-01T00:00:00")) == utc("1970-01-01T00:00:07")


def test_between_two_moments_both_count() -> None:
    assert firings_between(Interval(60), NOON, NOON + timedelta(minutes=2), limit=10) == [
        NOON,
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=2),
    ]


def test_between_two_moments_no_more_than_the_limit_is_found() -> None:
    assert len(firings_between(Interval(1), NOON, NOON + timedelta(days=400), limit=5)) == 5


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("0 6 * * MON-FRI", "2026-06-02T06:00:00"),
        ("*/20 9-17 * * *", "2026-06-01T12:20:00"),
        ("0 0 1 jan,jul *", "2026-07-01T00:00:00"),
        ("0 0 L * *", "2026-06-30T00:00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 * * MON#1", "2026-07-06T00:00:00"),
        ("0 0 * * 5L", "2026-06-26T00:00:00"),
        ("0 12 13 * FRI", "2026-06-05T12:00:00"),
        ("@hourly", "2026-06-01T13:00:00"),
        ("@daily", "2026-06-02T00:00:00"),
        ("@weekly", "2026-06-07T00:00:00"),
        ("@monthly", "2026-07-01T00:00:00"),
        ("@yearly", "2027-01-01T00:00:00"),
    ],
)
def test_cron_reads_names_ranges_steps_and_words(expression: str, first: str) -> None:
    assert next_firing(cron(expression, "UTC"), NOON) == utc(first)


MOMENTS = st.integers(0, 15 * 366 * 86_400).map(lambda seconds: utc("2020-01-01T00:00:00") + timedelta(seconds=seconds))
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Kathmandu",
        "America/Havana",
    ]
)


@given(MOMENTS, ZONES, st.sampled_from(["30 2 * * *", "0 0 * * *", "*/7 * * * *", "15 */2 * * *", "0 1,2,3 * * SUN"]))
def test_firings_only_go_forward_and_are_found_again_from_any_moment(
    moment: datetime, zone: str, expression: str
) -> None:
    timing = cron(expression, zone)

    firings = list(islice(firings_after(timing, moment), 12))

    assert firings[0] > moment
    assert all(earlier < later for earlier, later in pairwise(firings))
    for earlier, later in pairwise(firings):
        assert next_firing(timing, earlier) == later
        assert next_firing(timing, earlier + (later - earlier) / 2) == later


@given(MOMENTS, ZONES, st.integers(0, 23), st.integers(0, 59))
def test_a_fixed_time_fires_once_on_every_date(moment: datetime, zone: str, hour: int, minute: int) -> None:
    timing = cron(f"{minute} {hour} * * *", zone)

    dates = [firing.astimezone(ZoneInfo(zone)).date() for firing in islice(firings_after(timing, moment), 400)]

    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(dates))


@given(MOMENTS, st.integers(1, 100_000), st.integers(0, 99_999))
def test_an_interval_is_kept_to_the_second(moment: datetime, every: int, offset: int) -> None:
    first, second = islice(firings_after(Interval(every, offset % every), moment), 2)

    assert timedelta() < first - moment <= timedelta(seconds=every)
    assert second - first == timedelta(seconds=every)
    assert int(first.timestamp()) % every == offset % every
