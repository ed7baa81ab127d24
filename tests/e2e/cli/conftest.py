"""One real mesh for the tests of the command line, started as a person starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from archwright.local.processes import ProcessId, command_of, identify
from archwright.local.state import MeshRecord, find
from archwright.local.temporary import temporary_folder

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 45.0


class UpMesh:
    """`archwright up` in a process of its own, and what it has printed."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self.printed = ""
        self.process = subprocess.Popen(
            # Should pytest be killed, the mesh hears it as Ctrl-C.
            [*_launched(), ARCHWRIGHT, "up", "--state", state, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def hear(self, words: str, seconds_max: float = START_SECONDS_MAX) -> None:
        """Wait until it has printed these words."""
        until(lambda: words in self.printed or self.process.poll() is not None, seconds_max)
        assert words in self.printed, self.printed

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)

    def record(self) -> MeshRecord:
        return find(self.state)

    def environment(self) -> dict[str, str]:
        """Return the environment of somebody who works with this mesh."""
        return environment(ARCHWRIGHT_STATE=str(self.state))

    def processes(self) -> list[ProcessId]:
        """Return every process that it has started, its supervisor included."""
        pids = {self.process.pid, *_descendants(self.process.pid)}
        return [process for process in map(identify, pids) if process is not None]

    def pid_of(self, words: str) -> int:
        """Return the pid of the one process of this mesh whose command line ends so."""
        [pid] = [process.pid for process in self.processes() if command_of(process.pid).strip().endswith(words)]
        return pid

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.printed += line


def _launched() -> list[str]:
    ours = [f"--parent={os.getpid()}", f"--stop-signal={int(signal.SIGINT)}"]
    return [sys.executable, "-m", "archwright.local.launch", *ours, "--"]


@pytest.fixture(scope="session")
def mesh() -> Iterator[UpMesh]:
    """A mesh that is up for all tests of the session; leave it as you found it."""
    with temporary_folder() as folder:
        mesh = UpMesh(folder / "state")
        try:
            mesh.hear("The mesh is up")
            yield mesh
        finally:
            mesh.stop()


@pytest.fixture
def archwright(mesh: UpMesh, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command against the mesh, in a working directory of the test's own."""

    def command(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ARCHWRIGHT, *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env=mesh.environment(),
        )

    return command


@pytest.fixture
def fresh_mesh() -> Callable[..., AbstractContextManager[UpMesh]]:
    """Starts a mesh of the test's own, with the options given, and ends it with the test."""

    @contextmanager
    def started(*options: str) -> Iterator[UpMesh]:
        with temporary_folder() as folder:
            mesh = UpMesh(folder / "state", *options)
            try:
                yield mesh
            finally:
                if mesh.process.poll() is None:
                    mesh.stop()

    return started


@pytest.fixture(name="until")
def waiting() -> Callable[..., None]:
    """Waits until a claim comes true."""
    return until


@pytest.fixture
def outside() -> dict[str, str]:
    """The environment of somebody for whom no mesh is set."""
    return environment()


def environment(**more: str) -> dict[str, str]:
    """Return an environment without whatever the person at this machine has set for Archwright."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")} | more


def until(claim: Callable[[], bool], seconds_max: float = START_SECONDS_MAX) -> None:
    deadline = time.monotonic() + seconds_max
    while not claim():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def _descendants(pid: int) -> set[int]:
    answer = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in answer.stdout.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    open_ends = [pid]
    while open_ends:
        for child in children.get(open_ends.pop(), []):
            found.add(child)
            open_ends.append(child)
    return found
