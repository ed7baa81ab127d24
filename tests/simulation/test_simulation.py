"""The simulation finds nothing wrong with the engine, and finds what is wrong with each mutant of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.schedule import run_schedule

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 200
SCHEDULES_PER_MUTANT_MAX = 1_000
TROUBLES = {
    *("agent_crashes", "agent_dies", "agent_fails", "agent_hangs_up", "agent_ignores_task", "agent_late"),
    *("agent_never_answers", "agent_poison", "agent_rejects", "agent_silent", "agent_twice", "agent_wrong_fence"),
    *("copies_lost", "copies_not_written"),
    *("firing", "rerun"),
    *("bus_away", "bus_reply_lost", "caller_repeats_start", "clock_jump", "freeze", "kill", "late_write"),
    *("lost_answer", "lost_reply", "lost_request", "outage", "refused", "slow", "slow_answer"),
}


def test_no_schedule_violates_an_invariant_and_every_trouble_strikes() -> None:
    fired, ended = Counter[str](), Counter[str]()

    for seed in range(1, SCHEDULES + 1):
        outcome = run_schedule(seed)
        assert not outcome.violations, f"seed {seed}: {outcome.violations}\n" + "\n".join(outcome.transcript)
        fired.update(outcome.fired)
        ended.update(outcome.workflows)

    assert set(fired) >= TROUBLES
    assert ended["removed"], "retention never struck"
    assert ended["completed"] > sum(ended.values()) / 2, "a simulation in which little succeeds shows little"


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_wrong_engine_is_caught(name: str) -> None:
    seeds = range(1, SCHEDULES_PER_MUTANT_MAX + 1)

    assert any(run_schedule(seed, MUTANTS[name], wildness=2.0).violations for seed in seeds)


def test_a_seed_unfolds_the_same_way_each_time() -> None:
    for seed in (3, 17, 42):
        assert run_schedule(seed) == run_schedule(seed)


def test_a_replay_in_another_process_is_the_same() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--replay", "17"]
    first, second = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(2))

    assert first.stdout == second.stdout
    assert "No invariant was violated." in first.stdout
