"""The last one out: when the supervisor dies, whatever way, this process stops what it left behind.

`archwright up` may be killed with -9, and PostgreSQL, Valkey and Envoy know nothing of a parent. So this
process holds the reading end of a pipe of the supervisor's, hears from it which processes it started, and
when the pipe ends it stops exactly those. Start times are compared before every signal, so a pid that
meanwhile belongs to somebody else is never hit.

One line per word, fields separated by spaces:
    watch <pid> <start time> <signal number>     a child; stop it with this signal
    forget <pid>                                 it has ended
    folder <path>                                a temporary folder of ours; remove it at the end
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from archwright.local.processes import ProcessId
from archwright.local.temporary import remove

GRACE_SECONDS = 8.0
_POLL_SECONDS = 0.05


@dataclass(slots=True)
class Watched:
    """What the supervisor has told so far."""

    processes: dict[int, tuple[ProcessId, int]] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take one line of the supervisor's."""
        match line.rstrip("\n").split(" ", 3):
            case ["watch", pid, started, signal_number]:
                self.processes[int(pid)] = (ProcessId(int(pid), started), int(signal_number))
            case ["forget", pid]:
                self.processes.pop(int(pid), None)
            case ["folder", *words]:
                self.folders.append(Path(" ".join(words)))
            case _:
                raise ValueError(f"the supervisor said {line!r}, which is no word that the reaper knows")


def hear_all(lines: Iterable[str]) -> Watched:
    """Listen until the supervisor is gone, and return what it left behind."""
    watched = Watched()
    for line in lines:
        if line.endswith("\n"):  # half a line is what a dying supervisor leaves
            watched.hear(line)
    return watched


def reap(watched: Watched, grace_seconds: float = GRACE_SECONDS) -> None:
    """Stop every process that is still there, kindly at first, and remove the temporary folders."""
    for process, signal_number in watched.processes.values():
        process.send(signal_number)
    deadline = time.monotonic() + grace_seconds
    remaining = [process for process, _ in watched.processes.values()]
    while remaining and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        remaining = [process for process in remaining if process.is_alive()]
    for process in remaining:
        process.kill()
    for folder in watched.folders:
        remove(folder)


def main() -> None:
    """Hold out until standard input ends, then reap."""
    # A terminal's Ctrl-C and hang-up are the supervisor's to answer.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reap(hear_all(sys.stdin))


if __name__ == "__main__":
    main()
