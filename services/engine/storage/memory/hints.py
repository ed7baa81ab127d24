"""Hints between replicas of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.engine.ports.hints import Hint


class HintBoard:
    """Where replicas meet."""

    def __init__(self) -> None:
        self.listening: dict[asyncio.Queue[Hint], MemoryHints] = {}


class MemoryHints:
    """The hints of one replica."""

    def __init__(self, board: HintBoard) -> None:
        self._board = board

    async def tell(self, hint: Hint) -> None:
        """Tell all others."""
        for queue, replica in self._board.listening.items():
            if replica is not self:
                queue.put_nowait(hint)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Hint]]:
        """Hear what others tell from now on."""
        queue: asyncio.Queue[Hint] = asyncio.Queue()
        self._board.listening[queue] = self
        try:
            yield _heard(queue)
        finally:
            del self._board.listening[queue]


async def _heard(queue: asyncio.Queue[Hint]) -> AsyncIterator[Hint]:
    while True:
        yield await queue.get()
