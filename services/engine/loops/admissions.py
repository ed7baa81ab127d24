"""Begins workflows that wait for room, oldest first, and keeps the replica's permits in order."""

from __future__ import annotations

import asyncio

import structlog

from archwright.errors import ArchwrightError, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.admission import CHUNK, Admission
from services.engine.domain.commands import AdmitWorkflow, Stale
from services.engine.ports.commands import Asked, Commands
from services.engine.ports.keys import Key
from services.engine.ports.quota import Quota

log = structlog.get_logger(__name__)

DEAD_AFTER_SECONDS = 30.0
"""Without a report for that long, a replica's permits are taken back."""


class Admissions:
    """Hands out permits that came back."""

    def __init__(self, admission: Admission, quota: Quota, commands: Commands, clock: Clock) -> None:
        self._admission = admission
        self._quota = quota
        self._commands = commands
        self._clock = clock

    async def step(self) -> None:
        """Look once: what waits, who may begin, what is owed."""
        self._admission.freed.clear()
        self._admission.note_depths(await self._quota.depths())
        await self._admission.settle()
        await self._admission.report()
        if tenants := await self._quota.recount(DEAD_AFTER_SECONDS):
            log.warning("permits_recounted", tenants=len(tenants))
        for tenant in await self._quota.tenants_waiting():
            for key in await self._quota.waiting(tenant, CHUNK):
                if not await self._admission.admit(tenant, key.workflow_id):
                    break
                await self._begin(key)

    async def _begin(self, key: Key) -> None:
        try:
            await self._commands.submit(Asked(key, AdmitWorkflow(self._clock.now())))
        except (Stale, WorkflowNotFound):
            self._admission.refuse(key.tenant, key.workflow_id)  # somebody else was faster
        except (ArchwrightError, asyncio.CancelledError):
            self._admission.refuse(key.tenant, key.workflow_id)
            raise
