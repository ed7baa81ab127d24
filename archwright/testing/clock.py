"""A clock that stands still until a test winds it."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

_TURNS = 50
"""How many turns of the loop everything gets to do what it is woken for."""


class WoundClock:
    """The agent's time, in the test's hand."""

    def __init__(self) -> None:
        self._now = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = count()

    def monotonic(self) -> float:
        """Return the time that it was wound to."""
        return self._now

    async def rest(self, seconds: float, until: asyncio.Event | None = None) -> None:
        """Wait until it was wound so far, or until the event is set."""
        if seconds <= 0:
            await asyncio.sleep(0)  # noqa: TID251  gives way without waiting
            return
        bell = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), bell))
        if until is None:
            await bell.wait()
            return
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(bell.wait()), group.create_task(until.wait())
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in waiting:
                each.cancel()

    async def wind(self, seconds: float) -> None:
        """Let so much time pass: whoever sleeps wakes when it is due, and does what it has to before the next."""
        ends_at = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= ends_at:
            due_at, _, bell = heapq.heappop(self._sleepers)
            self._now = max(self._now, due_at)
            bell.set()
            await settle()
        self._now = ends_at


async def settle() -> None:
    """Let everything that can go on without time do so."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)  # noqa: TID251  gives way without waiting
