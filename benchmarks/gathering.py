"""What gathers while somebody is busy, and is then taken together: the whole secret of the throughput."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Generic, TypeVar

from archwright.pacing import rest

_BUSY = 64
_PATIENCE_SECONDS = 0.002

Thing = TypeVar("Thing")


class Gathering(Generic[Thing]):
    """Things that wait to be taken; after a big handful a little patience makes the next one big too."""

    __slots__ = ("_arrived", "_last", "_things")

    def __init__(self) -> None:
        self._things: list[Thing] = []
        self._arrived = asyncio.Event()
        self._last = 0

    def add(self, things: Iterable[Thing]) -> None:
        """Add what is to be taken."""
        self._things.extend(things)
        if self._things:
            self._arrived.set()

    async def take(self, most: int) -> list[Thing]:
        """Return everything that has gathered, at most so many, once there is something."""
        await self._arrived.wait()
        if self._last >= _BUSY:
            await rest(_PATIENCE_SECONDS)
        taken, self._things = self._things[:most], self._things[most:]
        if not self._things:
            self._arrived.clear()
        self._last = len(taken)
        return taken
