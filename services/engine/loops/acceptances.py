"""Notes which deliveries were accepted, a moment later and many at once.

What is written is what was accepted before the last look and is still under way. So a task that is done within a look
or two never costs a write of its own: the commit of its result deletes its row.
"""

from __future__ import annotations

import asyncio
import uuid

from services.chassis.clock import Clock
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import TaskBoard

_LOOK_SECONDS = 0.25
_QUIET_SECONDS = 20.0


class Acceptances:
    """Gathers acceptances and writes them together."""

    def __init__(self, board: TaskBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._fresh: dict[uuid.UUID | None, Fence] = {}
        self._ripe: dict[uuid.UUID | None, Fence] = {}
        self._arrived = asyncio.Event()

    def accept(self, fence: Fence) -> None:
        """Note it soon."""
        self._fresh[fence.lease_id] = fence
        self._arrived.set()

    def is_over(self, lease_id: uuid.UUID | None) -> None:
        """Note nothing of a delivery that has ended."""
        if self._fresh.pop(lease_id, None) is None:
            self._ripe.pop(lease_id, None)

    async def step(self) -> None:
        """Write what was accepted before the last look."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        await self._clock.sleep(_LOOK_SECONDS)
        batch = self._ripe
        self._ripe, self._fresh = self._fresh, {}
        if not self._ripe:
            self._arrived.clear()
        if not batch:
            return
        try:
            await self._board.accept(list(batch.values()))
        except BaseException:
            self._ripe = batch | self._ripe
            self._arrived.set()
            raise
