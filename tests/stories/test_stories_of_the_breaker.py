"""The circuit breaker: when it opens, what it lets through, and how it closes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.language.model import ErrorCategory
from services.engine.domain.breaker import (
    BREAKER_TRANSITIONS,
    Breaker,
    BreakerConfig,
    BreakerState,
    Tally,
    at,
    counted,
    is_failure,
    trials_granted,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONFIG = BreakerConfig()
CLOSED, OPEN, HALF_OPEN = BreakerState
FAILED, WELL = Tally(1, 1), Tally(1, 0)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def after(breaker: Breaker, *tallies: Tally, now: datetime = NOON, config: BreakerConfig = CONFIG) -> Breaker:
    for tally in tallies:
        breaker = counted(breaker, tally, now, config)
    return breaker


OPENED = after(Breaker(NOON), *[FAILED] * 10)
HALF_OPENED = at(OPENED, NOON + seconds(60), CONFIG)


def test_the_numbers_are_the_seeds() -> None:
    assert (
        BreakerConfig(failure_threshold=5, recovery_timeout_seconds=60, half_open_max_calls=3, min_throughput=10)
        == CONFIG
    )


def test_five_failures_in_a_row_open_it_once_ten_attempts_have_ended() -> None:
    nearly = after(Breaker(NOON), *[WELL] * 5, *[FAILED] * 4)
    assert nearly.state is CLOSED
    assert after(nearly, FAILED).state is OPEN


def test_failures_while_hardly_anything_goes_on_say_nothing() -> None:
    assert after(Breaker(NOON), *[FAILED] * 9).state is CLOSED
    assert after(Breaker(NOON), *[FAILED] * 10).state is OPEN


def test_one_attempt_that_goes_well_ends_the_row() -> None:
    assert after(Breaker(NOON), *[WELL] * 20, *[FAILED] * 4, WELL, *[FAILED] * 4).state is CLOSED


def test_what_is_older_than_the_window_does_not_count() -> None:
    before = after(Breaker(NOON), *[WELL] * 20, *[FAILED] * 4)
    assert after(before, FAILED, now=NOON + seconds(61)).state is CLOSED


def test_a_tally_of_many_counts_as_its_parts_would() -> None:
    assert after(Breaker(NOON), Tally(calls=30, failures=5)).state is OPEN
    assert after(Breaker(NOON), Tally(calls=30, failures=4), Tally(calls=1, failures=1)).state is OPEN
    assert after(Breaker(NOON), Tally(calls=30, failures=4), Tally(calls=2, failures=1)).state is CLOSED


def test_while_it_is_open_nothing_counts_and_nothing_is_given_out() -> None:
    assert after(OPENED, WELL, FAILED, now=NOON + seconds(30)) == OPENED
    assert trials_granted(OPENED, 10, CONFIG) == 0
    assert OPENED.open_until(CONFIG) == NOON + seconds(60)


def test_after_the_recovery_time_it_lets_three_through_at_a_time() -> None:
    assert at(OPENED, NOON + seconds(59), CONFIG).state is OPEN
    assert HALF_OPENED.state is HALF_OPEN
    assert trials_granted(HALF_OPENED, 10, CONFIG) == 3
    assert trials_granted(replace(HALF_OPENED, trials=2), 10, CONFIG) == 1
    assert trials_granted(replace(HALF_OPENED, trials=3), 10, CONFIG) == 0
    assert HALF_OPENED.open_until(CONFIG) is None


def test_three_trials_that_go_well_close_it() -> None:
    begun, now = replace(HALF_OPENED, trials=3), NOON + seconds(61)
    nearly = after(begun, WELL, WELL, now=now)
    assert (nearly.state, nearly.trials) == (HALF_OPEN, 1)
    assert after(nearly, WELL, now=now) == Breaker(now)


def test_the_first_trial_that_fails_opens_it_for_the_whole_time_again() -> None:
    now = NOON + seconds(70)
    again = after(HALF_OPENED, WELL, FAILED, now=now)
    assert (again.state, again.open_until(CONFIG)) == (OPEN, now + seconds(60))


def test_trials_of_which_nothing_is_heard_give_their_permits_back() -> None:
    begun = replace(HALF_OPENED, trials=3)
    assert at(begun, HALF_OPENED.since + seconds(59), CONFIG).trials == 3
    assert at(begun, HALF_OPENED.since + seconds(60), CONFIG).trials == 0


@pytest.mark.parametrize(
    ("category", "code", "speaks_against"),
    [
        (ErrorCategory.TRANSIENT, "LEASE_EXPIRED", None),
        (ErrorCategory.TIMEOUT, "TIME_LIMIT_PASSED", True),
        (ErrorCategory.PERMANENT, "AGENT_FAULT", True),
        (ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", False),
        (ErrorCategory.BUSINESS, "REFUSED", False),
        (ErrorCategory.CAPACITY, "AGENT_DRAINING", None),
    ],
)
def test_only_what_agents_can_help_speaks_against_them(
    category: ErrorCategory, code: str, speaks_against: bool | None
) -> None:
    assert is_failure(category, code) is speaks_against


configs = st.builds(BreakerConfig, st.integers(1, 8), st.integers(1, 100), st.integers(1, 5), st.integers(1, 20))
tallies = st.integers(0, 30).flatmap(lambda calls: st.builds(Tally, st.just(calls), st.integers(0, calls)))
steps = st.lists(st.tuples(st.floats(0, 120), tallies, st.integers(0, 10)), max_size=30)


@given(configs, steps)
def test_whatever_happens_it_only_makes_moves_of_the_table_and_never_lends_too_much(
    config: BreakerConfig, happening: list[tuple[float, Tally, int]]
) -> None:
    breaker, now = Breaker(NOON), NOON
    for wait, tally, wanted in happening:
        now += seconds(wait)
        for then in (lambda b: at(b, now, config), lambda b: counted(b, tally, now, config)):  # noqa: B023 -- called at once
            before, breaker = breaker, then(breaker)
            assert (
                breaker.state is before.state
                or breaker.state in BREAKER_TRANSITIONS[before.state]
                or (
                    # Time alone half-opens it, and the tally is counted after that.
                    before.state is OPEN and breaker.state is CLOSED
                )
            )
        granted = trials_granted(breaker, wanted, config)
        assert 0 <= granted <= wanted
        assert not granted or breaker.state is HALF_OPEN
        breaker = replace(breaker, trials=breaker.trials + granted)
        assert breaker.trials <= config.half_open_max_calls


@given(configs, st.lists(st.booleans(), max_size=60))
def test_it_opens_exactly_at_a_row_that_is_long_enough_among_enough_attempts(
    config: BreakerConfig, ends: list[bool]
) -> None:
    breaker, row = Breaker(NOON), 0
    for count, is_well in enumerate(ends, start=1):
        row = 0 if is_well else row + 1
        breaker = counted(breaker, WELL if is_well else FAILED, NOON, config)
        expected = row >= config.failure_threshold and count >= config.min_throughput
        assert (breaker.state is OPEN) is expected
        if expected:
            return
