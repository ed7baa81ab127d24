"""The live lane within one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from services.engine.live import Told
from services.engine.ports.keys import Key


class LaneBoard:
    """Where replicas meet."""

    def __init__(self) -> None:
        self.listening: dict[_Listening, MemoryLiveLane] = {}


class MemoryLiveLane:
    """The lane of one replica."""

    def __init__(self, board: LaneBoard) -> None:
        self._board = board

    async def tell(self, told: Sequence[Told]) -> Collection[Key]:
        """Tell all others, and return the workflows of which nobody wants to hear just now."""
        others = [listening for listening, lane in self._board.listening.items() if lane is not self]
        for each in told:
            for listening in others:
                if each.key in listening.wanted:
                    listening.heard.put_nowait(each)
        return {each.key for each in told if not any(each.key in listening.wanted for listening in others)}

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[_Listening]:
        """Begin to hear."""
        listening = _Listening()
        self._board.listening[listening] = self
        try:
            yield listening
        finally:
            del self._board.listening[listening]


class _Listening:
    def __init__(self) -> None:
        self.wanted: frozenset[Key] = frozenset()
        self.heard: asyncio.Queue[Told] = asyncio.Queue()

    async def want(self, keys: Collection[Key]) -> None:
        """Hear of these workflows from now on, and of no others."""
        self.wanted = frozenset(keys)

    async def next(self) -> Told | None:
        """Return what another replica told next; None when that takes a while."""
        try:
            async with asyncio.timeout(0.05):
                return await self.heard.get()
        except TimeoutError:
            return None
