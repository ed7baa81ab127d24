"""Tells steps that no agent is there for them, when they said what to do then."""

from __future__ import annotations

from services.chassis.clock import Clock
from services.engine.domain.commands import Stale, TellUnavailable
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import TaskBoard


class UnavailableAgents:
    """Looks for waiting tasks that no registered agent could take."""

    def __init__(self, board: TaskBoard, commands: Commands, roster: Roster, clock: Clock) -> None:
        self._board = board
        self._commands = commands
        self._roster = roster
        self._clock = clock

    async def step(self) -> None:
        """Look once."""
        for task in await self._board.picky():
            if self._roster.has_agent_for(task.key.tenant, task.queue):
                continue
            message = f"No agent is there that is {task.queue!r}."
            command = TellUnavailable(self._clock.now(), task.task_id, message, task.step)
            try:
                await self._commands.submit(Asked(task.key, command))
            except Stale:
                continue  # somebody took it meanwhile, or it ended
