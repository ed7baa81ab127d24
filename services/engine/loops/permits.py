"""Keeps the permits of a replica in order: pays what is owed, returns what is too much, and says what it has."""

from __future__ import annotations

import structlog

from services.engine.admission import Admission
from services.engine.ports.quota import Quota

log = structlog.get_logger(__name__)

DEAD_AFTER_SECONDS = 30.0
"""Without a report for that long, a replica's permits are taken back."""


class Permits:
    """The permits of this replica, and of those that died."""

    def __init__(self, admission: Admission, quota: Quota) -> None:
        self._admission = admission
        self._quota = quota

    async def step(self) -> None:
        """Look once: how much waits and for whom, what is owed, who is dead."""
        self._admission.note_depths(await self._quota.depths())
        await self._admission.settle()
        await self._admission.report()
        if tenants := await self._quota.recount(DEAD_AFTER_SECONDS):
            log.warning("permits_recounted", tenants=len(tenants))
        self._admission.note_waiting(await self._quota.tenants_waiting())
