"""Keeps the permits of a replica in order: pays what is owed, returns what is too much, and says what it has."""

from __future__ import annotations

import structlog

from services.chassis.clock import Clock
from services.engine.admission import Admission
from services.engine.ports.quota import Quota

log = structlog.get_logger(__name__)

DEAD_AFTER_SECONDS = 30.0
"""Without a report for that long, a replica's permits are taken back."""

_RECOUNT_SECONDS = 5.0
"""How often it is counted anew who has permits: that looks at every open task, and whoever borrows waits for it."""


class Permits:
    """The permits of this replica, and of those that died."""

    def __init__(self, admission: Admission, quota: Quota, clock: Clock) -> None:
        self._admission = admission
        self._quota = quota
        self._clock = clock
        self._recounted_at = clock.monotonic()

    async def step(self) -> None:
        """Look once: how much waits and for whom, what is owed, who is dead."""
        self._admission.note_depths(await self._quota.depths())
        await self._admission.settle()
        await self._admission.report()
        if self._clock.monotonic() - self._recounted_at >= _RECOUNT_SECONDS:
            self._recounted_at = self._clock.monotonic()
            if tenants := await self._quota.recount(DEAD_AFTER_SECONDS):
                log.warning("permits_recounted", tenants=len(tenants))
        self._admission.note_waiting(await self._quota.tenants_waiting())
