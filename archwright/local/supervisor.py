"""Keeps the mesh's processes: starts them, starts them again when they crash, and stops them in order.

Tiers say who needs whom: what is kept in a higher tier is stopped before anything in a lower one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from archwright.local.child import NOWHERE, Addresses, Child, Program, StartFailed
from archwright.local.child_log import ChildLog
from archwright.local.reaper_link import ReaperLink
from archwright.pacing import Backoff, rest

Say = Callable[[str], None]
"""Tells the person at the terminal, in one line."""

_PAUSE_SECONDS_FIRST = 0.5
_PAUSE_SECONDS_MAX = 30.0
_QUIET_SECONDS = 60.0
"""Who lived so long is forgiven the crashes before."""


@dataclass(slots=True)
class _Kept:
    """A program that shall run until the end, and the process that runs it now."""

    program: Program
    tier: int
    log: ChildLog
    child: Child | None = None
    found_at: Addresses = NOWHERE


class Supervisor:
    """Starts programs and keeps them up until it is told to stop."""

    def __init__(self, group: asyncio.TaskGroup, reaper: ReaperLink, logs: Path, say: Say) -> None:
        self._group = group
        self._reaper = reaper
        self._logs = logs
        self._say = say
        self._kept: list[_Kept] = []
        self._stopping = asyncio.Event()
        self._starting = asyncio.Lock()

    async def keep(self, program: Program, *, tier: int) -> Addresses:
        """Start a program, wait until it is ready, keep it up from then on, and return where it is found.

        Raises `StartFailed` when it does not come up this first time.
        """
        kept = _Kept(program, tier, ChildLog(self._logs / f"{_file_name(program.name)}.log"))
        self._kept.append(kept)
        child = await self._start(kept)
        try:
            kept.found_at = await child.ready()
        except StartFailed:
            child.kill()
            self._kept.remove(kept)
            raise
        self._group.create_task(self._guard(kept, child), name=f"guard {program.name}")
        return kept.found_at

    async def complete(self, program: Program) -> None:
        """Start a program that does something and ends, and raise `StartFailed` unless it ends well."""
        kept = _Kept(program, 0, ChildLog(self._logs / f"{_file_name(program.name)}.log"))
        self._kept.append(kept)
        child = await self._start(kept)
        await child.ended()
        self._kept.remove(kept)
        child.require_success()

    async def stop(self) -> None:
        """Stop everything, the highest tier first, each one kindly and then not."""
        self._stopping.set()
        async with self._starting:  # a start under way is seen below; none follows it
            tiers = sorted({kept.tier for kept in self._kept}, reverse=True)
        for tier in tiers:
            async with asyncio.TaskGroup() as group:
                for kept in self._kept:
                    if kept.tier == tier:
                        group.create_task(self._end(kept))

    def force(self) -> None:
        """End everything at once, without asking."""
        self._stopping.set()
        for kept in self._kept:
            if kept.child is not None:
                kept.child.kill()

    async def _start(self, kept: _Kept) -> Child:
        async with self._starting:
            if self._stopping.is_set():
                raise StartFailed(f"{kept.program.name} is not started: the mesh is stopping.")
            child = await Child.start(kept.program, kept.log, self._reaper.parent_pipe, kept.found_at)
            kept.child = child
        if child.identity is not None:
            self._reaper.watch(child.identity, kept.program.stop_signal)
        self._group.create_task(self._follow(child), name=f"follow {kept.program.name}")
        return child

    async def _follow(self, child: Child) -> None:
        await child.follow()
        if child.identity is not None:
            self._reaper.forget(child.identity)

    async def _guard(self, kept: _Kept, child: Child) -> None:
        backoff = Backoff(base_seconds=_PAUSE_SECONDS_FIRST, seconds_max=_PAUSE_SECONDS_MAX)
        while True:
            await child.ended()
            if self._stopping.is_set():
                return
            if child.lived_seconds >= _QUIET_SECONDS:
                backoff.reset()
            pause = backoff.next_pause()
            self._say(f"{kept.program.name} ended with {child.exit_words()}; starting it again in {pause:.1f} s.")
            await rest(pause, until=self._stopping)
            try:
                child = await self._start(kept)
                kept.found_at = await child.ready()
            except StartFailed as failed:
                if self._stopping.is_set():
                    return
                self._say(f"{failed.message.splitlines()[0]} Its log: {kept.log.file}")
                child.kill()
            else:
                self._say(f"{kept.program.name} is up again.")

    async def _end(self, kept: _Kept) -> None:
        if kept.child is None:
            return
        if not await kept.child.stop():
            self._say(f"{kept.program.name} did not stop within {kept.program.grace_seconds:g} s and was killed")


@contextlib.asynccontextmanager
async def supervising(reaper: ReaperLink, logs: Path, say: Say) -> AsyncIterator[Supervisor]:
    """Give a supervisor, and stop all that it keeps when the block ends, however it ends."""
    try:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(group, reaper, logs, say)
            try:
                yield supervisor
            finally:
                await supervisor.stop()
    except BaseExceptionGroup as failures:
        raise _first_of(failures) from None


def _first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the failure that came first: what a person can act on, the others follow from it."""
    first = failures.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def _file_name(program_name: str) -> str:
    return program_name.replace(" ", "-")
