"""Ends attempts and waits that take too long, and sends again what no agent accepted."""

from __future__ import annotations

import asyncio
import random

import structlog

from archwright.language.model import ErrorCategory
from services.chassis.clock import Clock
from services.engine.breakers import BreakerGate
from services.engine.domain.commands import FailTask, Stale
from services.engine.domain.events import TIME_LIMIT_PASSED
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.measures import Measures, Unmeasured
from services.engine.ports.task_board import Held, TaskBoard

log = structlog.get_logger(__name__)

_WORDS = {
    "execution": "The attempt took longer than the step's timeout_seconds.",
    "idle": "The agent told of no progress within the step's idle_timeout_seconds.",
    "queue": "No agent took the task within the step's queue_timeout_seconds.",
}


class Overdue:
    """Watches over the times of open tasks."""

    def __init__(
        self,
        board: TaskBoard,
        commands: Commands,
        gate: BreakerGate,
        clock: Clock,
        measures: Measures | None = None,
    ) -> None:
        self._board = board
        self._commands = commands
        self._gate = gate
        self._clock = clock
        self._measures = measures or Unmeasured()

    async def step(self) -> None:
        """Look through the open tasks once."""
        if again := await self._board.redeliver_unaccepted():
            log.info("tasks_redelivered", count=again)
        async with asyncio.TaskGroup() as group:  # side by side, so that they share commits
            for held, which in await self._board.overdue():
                group.create_task(self._end(held, which))

    async def _end(self, held: Held, which: str) -> None:
        command = FailTask(
            now=self._clock.now(),
            task_id=held.fence.task_id,
            attempt=held.fence.attempt,
            agent_id=held.agent_id,
            category=ErrorCategory.TIMEOUT,
            code=TIME_LIMIT_PASSED,
            message=_WORDS[which],
            chance=random.random(),  # noqa: S311 -- spreads retries; guards nothing
        )
        try:
            answer = await self._commands.submit(Asked(held.key, command, held.fence))
        except Stale:
            return  # the result was faster
        if held.agent_type:  # else it waited in vain, which is no agent's fault
            self._gate.note(held.key.tenant, held.agent_type, failed=True)
            self._measures.attempt_ended(held.agent_type, held.fence, answer.events, held.seconds)
        log.warning("task_timed_out", task_id=held.fence.task_id, step=held.step, limit=which)
