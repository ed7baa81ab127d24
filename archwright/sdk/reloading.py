"""Runs an agent in a process of its own, and a new one whenever its source changes.

A new process, because modules that are loaded again in place keep what they had. Files are looked at twice a second:
a source tree is small, and no library is needed for it. The old process drains first, so no task is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from archwright.pacing import rest

LOOK_SECONDS = 0.5
_Seen: TypeAlias = Mapping[Path, int]


async def run_reloading(arguments: Sequence[str], source: Path, tell: Callable[[str], None]) -> int:
    """Run `python -m archwright.cli.main` with the arguments until told to stop; return the last exit code."""
    stopping = asyncio.Event()
    async with _Child.signalled(stopping) as child:
        while True:
            seen = await asyncio.to_thread(_look, source)
            await child.start(arguments)
            changed = await _until_changed(source, seen, stopping, child.ended)
            if changed is None and not stopping.is_set():
                tell(f"The agent ended with exit code {child.exit_code}. It starts again when its source changes.")
                changed = await _until_changed(source, seen, stopping, asyncio.Event())
            if changed is None:
                return await child.stop()
            tell(f"{changed.name} changed. The agent finishes what it has, and starts again.")
            await child.stop()
            if stopping.is_set():
                return child.exit_code


class _Child:
    """The process that is the agent now. A group of its own, so that Ctrl-C reaches it through us, and once."""

    def __init__(self, group: asyncio.TaskGroup, lifeline: int) -> None:
        self.ended = asyncio.Event()
        self.exit_code = 0
        self._group = group
        self._lifeline = lifeline
        self._process: asyncio.subprocess.Process | None = None
        self._is_told = False

    @classmethod
    @contextlib.asynccontextmanager
    async def signalled(cls, stopping: asyncio.Event) -> AsyncIterator[_Child]:
        """Pass signals on to the process; it ends by itself when we are no more."""
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        signals = (signal.SIGINT, signal.SIGTERM)
        try:
            async with asyncio.TaskGroup() as group:
                child = cls(group, reading)

                def stop() -> None:
                    stopping.set()
                    child.signal()

                for number in signals:
                    loop.add_signal_handler(number, stop)
                yield child
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
            os.close(writing)
            os.close(reading)

    async def start(self, arguments: Sequence[str]) -> None:
        self.ended, self._is_told = asyncio.Event(), False
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "archwright.cli.main", *arguments),
            env=os.environ | {"ARCHWRIGHT_PARENT_PIPE_FD": str(self._lifeline)},
            pass_fds=[self._lifeline],
            start_new_session=True,
        )
        self._group.create_task(self._watch(self._process, self.ended))

    def signal(self) -> None:
        """Tell it to stop; the second time at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            self._is_told = True

    async def stop(self) -> int:
        """Tell it to stop, unless it was told, and return its exit code."""
        if not self._is_told:
            self.signal()
        await self.ended.wait()
        return self.exit_code

    async def _watch(self, process: asyncio.subprocess.Process, ended: asyncio.Event) -> None:
        self.exit_code = await process.wait()
        ended.set()


async def _until_changed(source: Path, seen: _Seen, stopping: asyncio.Event, ended: asyncio.Event) -> Path | None:
    """Return which file changed, or None when one of the events was set before."""
    while not stopping.is_set() and not ended.is_set():
        now = await asyncio.to_thread(_look, source)
        if changed := next(iter(dict(now.items() ^ seen.items())), None):
            return changed
        await rest(LOOK_SECONDS, stopping)
    return None


def _look(source: Path) -> _Seen:
    """Return when each file of the source was written last; environments and hidden folders are no source."""
    seen: dict[Path, int] = {}
    for folder, folders, files in os.walk(source):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__", "node_modules"))]
        for name in files:
            if name.endswith(".py"):
                with contextlib.suppress(FileNotFoundError):  # gone between the two looks
                    seen[Path(folder, name)] = Path(folder, name).stat().st_mtime_ns
    return seen
