"""Removes what was kept long enough: workflows that ended long ago, then files that nothing names any more.

Workflows go first, for they are what names files. Each look takes away a bounded amount, so that a backlog is worked
off over many looks and never holds the database for long. Any number of replicas may do it at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from services.chassis.clock import Clock
from services.engine.ports.retention import FileKey, Leftovers

log = structlog.get_logger(__name__)

FILE_GRACE = timedelta(hours=24)
"""How long a file that nothing names is kept: its task may still be under way."""

_BATCH = 50
_BATCHES_MAX = 40
_FILES_SEEN_MAX = 2_000


class Retention:
    """Takes away what is old."""

    def __init__(self, leftovers: Leftovers, clock: Clock, *, keep_days: float) -> None:
        self._leftovers = leftovers
        self._clock = clock
        self._keep = timedelta(days=keep_days) if keep_days else None
        self._files_seen_to: FileKey | None = None

    async def step(self) -> None:
        """Take away a bounded amount of what is old now."""
        now = self._clock.now()
        workflows = await self._remove_workflows(now)
        walked = await self._leftovers.remove_files(now - FILE_GRACE, after=self._files_seen_to, limit=_FILES_SEEN_MAX)
        # The walk goes on where it stopped and begins again at the end, so no look has to see every file.
        self._files_seen_to = walked.last
        letters = await self._remove_letters(now)
        outputs = await self._leftovers.remove_cached_outputs(now, limit=_FILES_SEEN_MAX)
        if workflows or letters or walked.removed or outputs:
            log.info(
                "leftovers_removed",
                workflows=workflows,
                dead_letters=letters,
                files=walked.removed,
                cached_outputs=outputs,
            )

    async def _remove_workflows(self, now: datetime) -> int:
        if self._keep is None:
            return 0
        removed = 0
        for _ in range(_BATCHES_MAX):
            batch = await self._leftovers.remove_workflows(now - self._keep, limit=_BATCH)
            removed += batch
            if batch < _BATCH:
                break
        return removed

    async def _remove_letters(self, now: datetime) -> int:
        """Take away dead letters of events that nobody can tell a workflow of; all others go with theirs."""
        if self._keep is None:
            return 0
        return await self._leftovers.remove_letters(now - self._keep, limit=_FILES_SEEN_MAX)
