"""Schedules are spread over processes, and none of those outlives who asked for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.schedule import Outcome
from tests.simulation.spread import ProcessDied, outcomes

ROOT = Path(__file__).resolve().parents[2]
MANY = [sys.executable, "-m", "tests.simulation", "--schedules", "1000000", "--processes", "2"]
SECONDS_MAX = 60.0


@pytest.fixture(autouse=True)
def in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes walk sets in one order, as the command line does."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")


def test_several_processes_tell_what_one_tells() -> None:
    with closing(outcomes(range(5, 12), processes=1)) as one, closing(outcomes(range(5, 12), processes=3)) as several:
        assert list(several) == list(one)


def test_the_first_failing_seed_is_the_same_with_several_processes() -> None:
    mutant = MUTANTS["lost timers"]
    with (
        closing(outcomes(range(1, 400), 1, mutant, wildness=2.0)) as one,
        closing(outcomes(range(1, 400), 3, mutant, wildness=2.0)) as several,
    ):
        assert first_failing(several) == first_failing(one)


def first_failing(found: Iterator[Outcome]) -> Outcome:
    return next(outcome for outcome in found if outcome.violations)


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so does whatever that starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_is_heard")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_whoever_is_asked_to_stop_leaves_no_process_behind(asked: signal.Signals) -> None:
    with _simulation() as simulation:
        processes = _under_way(simulation.pid)
        # A terminal's Ctrl-C reaches the whole group, a supervisor's request only whom it started.
        if asked is signal.SIGINT:
            os.killpg(simulation.pid, asked)
        else:
            simulation.send_signal(asked)

        assert simulation.wait(SECONDS_MAX) == 128 + asked
        assert not psutil.wait_procs(processes, SECONDS_MAX)[1]


def test_a_process_that_dies_is_told_and_ends_the_others() -> None:
    with closing(outcomes(range(1, 1_000_000), processes=2)) as found:
        next(found)
        here = psutil.Process().children(recursive=True)
        workers = [process for process in here if "spawn_main" in " ".join(process.cmdline())]
        workers[1].kill()
        with pytest.raises(ProcessDied, match="The process that ran seed"):
            list(found)

        assert not psutil.wait_procs(workers, SECONDS_MAX)[1]


@contextmanager
def _simulation() -> Iterator[subprocess.Popen[bytes]]:
    """Run a simulation of its own process group, which a test that fails does not leave behind."""
    with subprocess.Popen(MANY, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as simulation:
        try:
            yield simulation
        finally:
            with suppress(ProcessLookupError):
                os.killpg(simulation.pid, signal.SIGKILL)


def _under_way(pid: int) -> list[psutil.Process]:
    """Return a simulation's processes once those that run schedules are busy."""
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        busy = [process for process in psutil.Process(pid).children(recursive=True) if process.cpu_times().user > 1.0]
        if len(busy) >= 2:
            return busy
        time.sleep(0.05)
    raise AssertionError("The simulation never began.")
