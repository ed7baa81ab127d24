"""Begins workflows that wait for a permit, oldest first, as soon as there is one."""

from __future__ import annotations

import asyncio

from archwright.errors import ArchwrightError, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.admission import CHUNK, Admission
from services.engine.domain.commands import AdmitWorkflow, Stale
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.keys import Key
from services.engine.ports.quota import Quota

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
        await asyncio.gather(*(self._begin(key) for key in admitted))
        return len(admitted) == CHUNK

    async def _begin(self, key: Key) -> None:
        try:
            await self._commands.submit(Asked(key, AdmitWorkflow(self._clock.now())))
        except (Stale, WorkflowNotFound):
            self._admission.refuse(key.tenant, key.workflow_id)  # somebody else was faster
        except (ArchwrightError, asyncio.CancelledError):
            self._admission.refuse(key.tenant, key.workflow_id)
            raise
