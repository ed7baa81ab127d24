"""Notes which deliveries were accepted, a moment later and many at once.

A task that is done within that moment never costs a write of its own: the commit of its result deletes its row.
"""

from __future__ import annotations

import asyncio
import uuid

from services.chassis.clock import Clock
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import TaskBoard

_GATHER_SECONDS = 0.25
_QUIET_SECONDS = 20.0


class Acceptances:
    """Gathers acceptances and writes them together."""

    def __init__(self, board: TaskBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._waiting: dict[uuid.UUID | None, Fence] = {}
        self._arrived = asyncio.Event()

    def accept(self, fence: Fence) -> None:
        """Note it soon."""
        self._waiting[fence.lease_id] = fence
        self._arrived.set()

    def is_over(self, lease_id: uuid.UUID | None) -> None:
        """Note nothing of a delivery that has ended."""
        self._waiting.pop(lease_id, None)

    async def step(self) -> None:
        """Write what has gathered."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        await self._clock.sleep(_GATHER_SECONDS)
        self._arrived.clear()
        batch, self._waiting = self._waiting, {}
        if not batch:
            return
        try:
            await self._board.accept(list(batch.values()))
        except BaseException:
            self._waiting = batch | self._waiting
            self._arrived.set()
            raise
