"""Counts across tenants, in memory."""

from __future__ import annotations

from collections import Counter

from services.engine.domain.transitions import TaskStatus
from services.engine.ports.census import Counted
from services.engine.storage.memory.tables import Tables


class MemoryCensus:
    """The census of what is in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def count(self) -> Counted:
        """Look once. Only workflows of tenants that ever borrowed a permit are found, as all that start one do."""
        tables = self._tables
        now = tables.clock.now()
        unpublished = [row.committed_at for row in tables.commits.values() if row.published_at is None]
        return Counted(
            waiting=Counter(
                (task.queue, task.priority) for task in tables.open_tasks.values() if task.status is TaskStatus.PENDING
            ),
            active=Counter(
                row.status
                for row in tables.workflows.values()
                if row.ended_at is None and row.key.tenant in tables.lent
            ),
            outbox_lag_seconds=(now - min(unpublished, default=now)).total_seconds(),
        )
