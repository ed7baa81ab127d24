"""Notes which deliveries were accepted: many in one statement when many arrive."""

from __future__ import annotations

import asyncio

from services.engine.ports.keys import Fence
from services.engine.ports.task_board import TaskBoard

_QUIET_SECONDS = 20.0


class Acceptances:
    """Gathers acceptances and writes them together."""

    def __init__(self, board: TaskBoard) -> None:
        self._board = board
        self._waiting: list[Fence] = []
        self._arrived = asyncio.Event()

    def accept(self, fence: Fence) -> None:
        """Note it soon."""
        self._waiting.append(fence)
        self._arrived.set()

    async def step(self) -> None:
        """Write what has gathered."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        self._arrived.clear()
        batch, self._waiting = self._waiting, []
        try:
            await self._board.accept(batch)
        except BaseException:
            self._waiting = batch + self._waiting
            self._arrived.set()
            raise
