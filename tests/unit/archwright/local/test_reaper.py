from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archwright.local.processes import ProcessId, identify
from archwright.local.reaper import Watched, hear_all, reap
from archwright.local.temporary import temporary_folder

FOREVER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    yield from started(FOREVER)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    yield from started(STUBBORN)


def test_what_the_supervisor_left_behind_is_stopped(sleeper: subprocess.Popen[bytes]) -> None:
    process = identified(sleeper)

    reap(hear_all([f"watch {process.pid} {process.started_at} 15\n"]))

    assert sleeper.wait(5) == -15


def test_a_pid_that_now_belongs_to_another_process_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = replace(identified(sleeper), started_at="1")

    reap(Watched(processes={earlier.pid: (earlier, 15)}), grace_seconds=0)

    assert sleeper.poll() is None


def test_what_does_not_stop_when_asked_is_killed(stubborn: subprocess.Popen[bytes]) -> None:
    process = identified(stubborn)

    reap(Watched(processes={process.pid: (process, 15)}), grace_seconds=0.2)

    assert stubborn.wait(5) == -9


def test_a_child_that_ended_by_itself_is_forgotten() -> None:
    assert hear_all(["watch 12 3456 15\n", "watch 13 3457 2\n", "forget 12\n"]).processes == {
        13: (ProcessId(13, "3457"), 2)
    }


def test_half_a_line_of_a_dying_supervisor_is_not_heard() -> None:
    assert hear_all(["watch 12 3456 15\n", "watch 13 34"]).processes.keys() == {12}


def test_a_word_that_nobody_agreed_on_is_refused() -> None:
    with pytest.raises(ValueError, match="destroy"):
        Watched().hear("destroy 12\n")


def test_temporary_folders_are_removed() -> None:
    with temporary_folder() as folder:
        (folder / "file").touch()
        reap(hear_all([f"folder {folder}\n"]))

        assert not folder.exists()


def test_no_other_folder_is_ever_removed(tmp_path: Path) -> None:
    reap(hear_all([f"folder {tmp_path}\n"]))

    assert tmp_path.exists()


def test_a_process_that_has_ended_has_no_identity(sleeper: subprocess.Popen[bytes]) -> None:
    process = identified(sleeper)
    sleeper.kill()
    # Ended but not reaped: a zombie, whose pid is still in use.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert not process.is_alive()
    assert identify(process.pid) is None


def identified(process: subprocess.Popen[bytes]) -> ProcessId:
    found = identify(process.pid)
    assert found is not None
    return found


def started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()
