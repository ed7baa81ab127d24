"""Takes tasks from agents that went silent.

A session whose lease is over is closed first, which no renewal can undo; then each task that it held is failed
through a commit whose fence names the session, so an agent that came back in between and kept its task keeps it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import structlog

from archwright.language.model import ErrorCategory
from services.chassis.clock import Clock
from services.engine.breakers import BreakerGate
from services.engine.domain.commands import FailTask, Stale
from services.engine.domain.events import LEASE_EXPIRED
from services.engine.loops.leases import LeaseRenewal
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.measures import Measures, Unmeasured
from services.engine.ports.task_board import Held, TaskBoard

log = structlog.get_logger(__name__)


class LostAgents:
    """Revokes what expired sessions hold."""

    def __init__(
        self,
        board: TaskBoard,
        commands: Commands,
        renewal: LeaseRenewal,
        gate: BreakerGate,
        clock: Clock,
        measures: Measures | None = None,
    ) -> None:
        self._board = board
        self._commands = commands
        self._renewal = renewal
        self._gate = gate
        self._clock = clock
        self._measures = measures or Unmeasured()

    async def step(self) -> None:
        """Revoke, unless this replica has trouble of its own: then its clock says nothing about the agents."""
        if self._renewal.is_trustworthy:
            await self.revoke(await self._board.expire())

    async def revoke(self, held: Sequence[Held]) -> None:
        """Fail the attempts that nobody is behind any more.

        An agent that is lost speaks against its type once, however much it held: one crash is no epidemic.
        """
        async with asyncio.TaskGroup() as group:  # side by side, so that they share commits
            revoking = [(each, group.create_task(self._revoke(each))) for each in held]
        lost = {(each.key.tenant, each.agent_type, each.agent_id) for each, done in revoking if done.result()}
        for tenant, agent_type, _ in lost:
            self._gate.note(tenant, agent_type, failed=True)

    async def _revoke(self, held: Held) -> bool:
        """Fail an attempt; return whether it was ours to fail."""
        command = FailTask(
            now=self._clock.now(),
            task_id=held.fence.task_id,
            attempt=held.fence.attempt,
            agent_id=held.agent_id,
            category=ErrorCategory.TRANSIENT,
            code=LEASE_EXPIRED,
            message=f"Agent {held.agent_id} was lost while it worked on the task.",
            chance=random.random(),  # noqa: S311 -- spreads retries; guards nothing
        )
        try:
            answer = await self._commands.submit(Asked(held.key, command, held.fence))
        except Stale:
            return False  # the agent came back, or somebody else was faster
        self._measures.attempt_ended(held.agent_type, held.fence, answer.events, held.seconds)
        log.warning("lease_expired", agent_id=held.agent_id, task_id=held.fence.task_id)
        return True
