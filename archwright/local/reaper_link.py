"""The supervisor's end of the reaper's pipe, and of the pipe whose end tells every child that we are gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from archwright.local.child import clean_environment
from archwright.local.processes import ProcessId


class ReaperLink:
    """Tells the reaper whom to watch."""

    def __init__(self, words: int, parent_pipe: int) -> None:
        self._words = words
        self.parent_pipe = parent_pipe
        """Children inherit this and read it; it ends when the supervisor does."""

    def watch(self, process: ProcessId, stop_signal: int) -> None:
        """Have the process stopped with this signal, should the supervisor die before it."""
        self._say(f"watch {process.pid} {process.started_at} {stop_signal}")

    def forget(self, process: ProcessId) -> None:
        """Say that the process has ended."""
        self._say(f"forget {process.pid}")

    def folder(self, folder: Path) -> None:
        """Have the temporary folder removed, should the supervisor die before it does so."""
        self._say(f"folder {folder}")

    def _say(self, line: str) -> None:
        # Without a reaper the mesh still stops in order; only the death of its supervisor is covered less well.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._words, f"{line}\n".encode())


@contextlib.contextmanager
def reaper(lock: int) -> Iterator[ReaperLink]:
    """Start the reaper, which holds the state folder's lock too; at the end wait until it is done."""
    hearing, words = os.pipe()
    parent_pipe, ours = os.pipe()
    # A session of its own: the terminal's Ctrl-C is the supervisor's to answer.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "archwright.local.reaper"],
        stdin=hearing,
        stdout=subprocess.DEVNULL,
        pass_fds=(lock,),
        env=clean_environment(),
        start_new_session=True,
    )
    os.close(hearing)
    try:
        yield ReaperLink(words, parent_pipe)
    finally:
        for descriptor in (words, parent_pipe, ours):
            os.close(descriptor)
        process.wait()
