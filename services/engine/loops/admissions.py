"""Begins workflows that wait for a permit, oldest first, as soon as there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from archwright.errors import WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.admission import CHUNK, Admission
from services.engine.domain.commands import AdmitWorkflow, Stale
from services.engine.ports.commands import Answer, Asked, Commands
from services.engine.ports.keys import Key
from services.engine.ports.quota import Quota

log = structlog.get_logger(__name__)

_QUIET_SECONDS = 20.0


class Admissions:
    """Hands out permits that came back."""

    def __init__(self, admission: Admission, quota: Quota, commands: Commands, clock: Clock) -> None:
        self._admission = admission
        self._quota = quota
        self._commands = commands
        self._clock = clock

    async def step(self) -> None:
        """Begin what waits, once there is room for some of it; return without after a quiet while."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._admission.room.wait()
        except TimeoutError:
            return
        self._admission.room.clear()
        for tenant in self._admission.waiting():
            while await self._begin_first(tenant):
                pass

    async def _begin_first(self, tenant: str) -> bool:
        """Begin those that have waited longest; return whether there are more, and room for them."""
        waiting = await self._quota.waiting(tenant, CHUNK)
        if len(waiting) < CHUNK:
            self._admission.note_served(tenant)
        admitted: list[Key] = []
        try:
            for key in waiting:
                if not await self._admission.admit(tenant, key.workflow_id, has_waited=True):
                    break
                admitted.append(key)
        except BaseException:
            # The database went while one asked for its permit: those that others had already come back.
            for key in admitted:
                self._admission.refuse(key.tenant, key.workflow_id)
            raise
        await self._begin(admitted)
        return len(admitted) == CHUNK

    async def _begin(self, keys: Sequence[Key]) -> None:
        """Begin them together, behind those that somebody waits for just now, and return once all have."""
        begun = asyncio.get_running_loop().create_future()
        missing = set(keys)

        def reply(asked: Asked, answer: Answer | Exception) -> None:
            if isinstance(answer, Exception):
                self._admission.refuse(asked.key.tenant, asked.key.workflow_id)
                if not isinstance(answer, Stale | WorkflowNotFound):  # otherwise somebody else was faster
                    log.warning("workflow_not_admitted", workflow_id=asked.key.workflow_id, error=str(answer))
            missing.discard(asked.key)
            if not missing and not begun.done():
                begun.set_result(None)

        if keys:
            self._commands.post([Asked(key, AdmitWorkflow(self._clock.now())) for key in keys], reply)
            await begun
