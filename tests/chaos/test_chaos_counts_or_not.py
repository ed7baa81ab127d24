"""The harness itself: a seed strikes the same way each time, an empty run says so, strangers are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from waiting import until

from tests.chaos.decoy import decoy
from tests.chaos.round import Outcome
from tests.chaos.timetable import SECONDS, Fault, timetable
from tests.chaos.verdict import LIES, shortcomings, summary
from tests.chaos.world import LEASE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
ROUND_SECONDS = 45.0


def outcome(**different: Counter[str]) -> Outcome:
    """Return a round in which everything happened, but for what is said."""
    whole = {
        "strikes": Counter(dict.fromkeys(Fault, 1)),
        "lies": Counter(dict.fromkeys(LIES, 1)),
        "calls": Counter({"answered": 60, "not answered: DependencyUnavailable": 40}),
        "endings": Counter({"COMPLETED": 8, "FAILED": 1, "CANCELLED": 1}),
    }
    return Outcome(1, **(whole | different))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_strikes_the_same_way_each_time_and_no_two_alike(seed: int) -> None:
    assert timetable(seed, ROUND_SECONDS) == timetable(seed, ROUND_SECONDS)
    assert timetable(seed, ROUND_SECONDS) != timetable(seed + 1, ROUND_SECONDS)


@pytest.mark.parametrize("seed", range(20))
def test_a_minute_has_every_fault_and_all_of_them_in_time(seed: int) -> None:
    strikes = timetable(seed, 60.0)

    assert {strike.fault for strike in strikes} == set(Fault)
    assert all(0 < strike.at_seconds < 60 for strike in strikes)
    assert [strike.at_seconds for strike in strikes] == sorted(strike.at_seconds for strike in strikes)


@pytest.mark.parametrize("fault", [Fault.ENGINE_FROZEN, Fault.AGENT_FROZEN])
def test_whoever_freezes_outlives_a_lease(fault: Fault) -> None:
    assert SECONDS[fault][0] > LEASE_SECONDS


def test_a_run_in_which_everything_happened_counts() -> None:
    assert shortcomings([outcome()]) == []
    assert "60 answered" in summary([outcome()])


@pytest.mark.parametrize(
    ("different", "told"),
    [
        ({"calls": Counter({"answered": 49, "not answered: LimitReached": 51})}, "only 49 of 100 calls were answered"),
        ({"calls": Counter()}, "only 0 of 0 calls were answered"),
        (
            {"strikes": Counter(set(Fault) - {Fault.REDIS_FROZEN})},
            "no Redis frozen struck",
        ),
        ({"lies": Counter(LIES - {"late"})}, "no agent lied by 'late'"),
        ({"endings": Counter({"COMPLETED": 8, "FAILED": 1})}, "no workflow ended as CANCELLED"),
    ],
)
def test_a_run_that_shows_nothing_says_why(different: dict[str, Counter[str]], told: str) -> None:
    assert shortcomings([outcome(**different)]) == [told]


def test_what_one_round_left_out_another_may_have_had() -> None:
    without_lies = outcome(lies=Counter())

    assert shortcomings([without_lies]) != []
    assert shortcomings([without_lies, outcome()]) == []


async def test_a_decoy_that_nobody_touches_has_nothing_to_say(tmp_path: Path) -> None:
    async with decoy(tmp_path) as stranger:
        assert stranger.complaints() == []


async def test_a_decoy_says_what_was_done_to_it(tmp_path: Path) -> None:
    async with decoy(tmp_path) as stranger:
        os.kill(stranger.process.pid, signal.SIGTERM)
        await until(lambda: "SIGTERM" in stranger.noted.read_text())
        stranger.process.kill()
        await stranger.process.wait()

        assert stranger.complaints() == [
            "the decoy was sent SIGTERM, and nobody had started it for that",
            "the decoy is gone, with SIGKILL",
        ]


def test_an_unknown_mutant_is_refused_and_the_known_ones_are_named() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--mutant", "no brain"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert told.returncode == 2
    assert "invalid choice: 'no brain'" in told.stderr
    assert "no fence" in told.stderr
