"""Fires timers that are due. The commit that applies one deletes its row; a pointless one is dropped here."""

from __future__ import annotations

import asyncio

from archwright.errors import WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.domain.commands import FireTimer, Stale
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.task_board import DueTimer, TaskBoard

_TIMERS_MAX = 500


class Timers:
    """Turns due timers into commands."""

    def __init__(self, board: TaskBoard, commands: Commands, clock: Clock) -> None:
        self._board = board
        self._commands = commands
        self._clock = clock

    async def step(self) -> None:
        """Fire everything that is due now."""
        async with asyncio.TaskGroup() as firing:
            for timer in await self._board.due_timers(_TIMERS_MAX):
                firing.create_task(self._fire(timer))

    async def _fire(self, timer: DueTimer) -> None:
        command = FireTimer(self._clock.now(), timer.name, timer.generation)
        try:
            await self._commands.submit(Asked(timer.key, command))
        except (Stale, WorkflowNotFound):
            await self._board.drop_timer(timer)
