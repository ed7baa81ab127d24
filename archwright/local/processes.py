"""Processes by pid and start time together: a pid alone may by now be somebody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TIME = 0, 19  # fields of /proc/<pid>/stat, counted after the command's closing bracket


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, for good: no later process has both this pid and this start time."""

    pid: int
    started_at: str

    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return started_at(self.pid) == self.started_at

    def send(self, signal_number: int) -> None:
        """Send a signal to this process, or to nobody when it is gone."""
        if self.is_alive():
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                return  # it ended between the two lines

    def kill(self) -> None:
        """End it without asking."""
        self.send(signal.SIGKILL)


def identify(pid: int) -> ProcessId | None:
    """Return the process that has this pid now, or None when there is none."""
    started = started_at(pid)
    return ProcessId(pid, started) if started is not None else None


def started_at(pid: int) -> str | None:
    """Return when the process began, in the system's own words, or None when it is gone or a zombie."""
    return _started_at_linux(pid) if sys.platform == "linux" else _started_at_elsewhere(pid)


def command_of(pid: int) -> str:
    """Return the command line of the process that has this pid now, empty when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    return _ps("command=", pid)


def _started_at_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name may hold spaces and brackets, so only its last bracket counts.
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else fields[_START_TIME]


def _started_at_elsewhere(pid: int) -> str | None:
    state, _, started = _ps("stat=,lstart=", pid).partition(" ")
    return started.strip().replace(" ", "-") if started and not state.startswith("Z") else None


def _ps(fields: str, pid: int) -> str:
    answer = subprocess.run(  # noqa: S603 - a program of the system, and a number
        ["/bin/ps", "-o", fields, "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=5,
        env={"LC_ALL": "C"},
    )
    return answer.stdout.strip()
