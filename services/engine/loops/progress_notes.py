"""Notes which deliveries are being worked on: their idle time begins anew, at most once a second."""

from __future__ import annotations

import uuid

from services.engine.ports.keys import Fence
from services.engine.ports.task_board import TaskBoard


class ProgressNotes:
    """Gathers signs of progress and writes them together."""

    def __init__(self, board: TaskBoard) -> None:
        self._board = board
        self._waiting: dict[uuid.UUID | None, Fence] = {}

    def note(self, fence: Fence) -> None:
        """Note it soon."""
        self._waiting[fence.lease_id] = fence

    async def step(self) -> None:
        """Write what has gathered."""
        if self._waiting:
            batch, self._waiting = self._waiting, {}
            await self._board.note_progress(list(batch.values()))
