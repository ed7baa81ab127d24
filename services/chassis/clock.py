"""Time, as something that is handed in: real in services, wound by hand in tests."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

# How often the loop turns before everything that was woken has come to rest. Tests only.
_TURNS = 20


class Clock(Protocol):
    """Tells the time and sleeps."""

    def now(self) -> datetime:
        """Return the time in UTC; it may jump."""

    def monotonic(self) -> float:
        """Return seconds that never jump."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time in UTC; it may jump."""
        return datetime.now(UTC)  # noqa: TID251  this is the Clock that everybody else takes it from

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)  # noqa: TID251  likewise


class ManualClock:
    """A clock that stands still until it is wound."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the time that the clock was wound to."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds that the clock was wound by."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was wound far enough."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._elapsed + max(seconds, 0.0), next(self._order), waiting))
        await waiting

    async def wind(self, seconds: float) -> None:
        """Move the time, waking sleepers in the order they are due and letting each act."""
        until = self._elapsed + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, waiting = heappop(self._sleepers)
            self._elapsed = due
            if not waiting.done():
                waiting.set_result(None)
                await self._settle()
        self._elapsed = until

    async def _settle(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)  # noqa: TID251  gives way without waiting
