"""The quotas of tenants, in memory."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.engine.domain.clocks import ADMISSION_TIMER
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.keys import Key
from services.engine.storage.memory.tables import PermitsRow, Tables, TimerRow


class MemoryQuota:
    """The quotas as one replica sees them."""

    def __init__(self, tables: Tables, replica_id: uuid.UUID) -> None:
        self._tables = tables
        self._replica_id = replica_id

    async def borrow(self, tenant: str, wanted: int, limit: int) -> int:
        """Borrow up to `wanted` permits, as long as no more than `limit` are lent in all; return how many."""
        granted = max(0, min(wanted, limit - self._tables.lent.get(tenant, 0)))
        await self.owe(tenant, granted)
        if granted:
            before = self._tables.permits.get((self._replica_id, tenant))
            free = granted + (0 if before is None else before.free)
            self._tables.permits[self._replica_id, tenant] = PermitsRow(free, self._tables.clock.now())
        return granted

    async def owe(self, tenant: str, count: int) -> None:
        """Borrow permits that are in use already, whatever the limit."""
        self._tables.lent[tenant] = max(0, self._tables.lent.get(tenant, 0) + count)

    async def give_back(self, tenant: str, count: int) -> None:
        """Return permits that nobody uses."""
        await self.owe(tenant, -count)

    async def report(self, free: Mapping[str, int]) -> None:
        """Say that this replica lives, and how many permits it has that it does not use, by tenant."""
        now = self._tables.clock.now()
        for tenant, count in free.items():
            self._tables.permits[self._replica_id, tenant] = PermitsRow(count, now)

    async def leave(self, unused: Mapping[str, int]) -> None:
        """Return what this replica has and does not use, by tenant: it stops, and borrows nothing any more."""
        for tenant, count in unused.items():
            await self.give_back(tenant, count)
        for each in [each for each in self._tables.permits if each[0] == self._replica_id]:
            del self._tables.permits[each]

    async def recount(self, dead_after_seconds: float) -> Sequence[str]:
        """Take back what replicas had that are dead; return the tenants concerned.

        Where workflows wait for a permit it is counted anew who has one: answers get lost, and permits with them.
        """
        tables = self._tables
        old = tables.clock.now() - timedelta(seconds=dead_after_seconds)
        dead = [each for each, row in tables.permits.items() if row.seen_at < old]
        for each in dead:
            del tables.permits[each]
        buried = {tenant for _, tenant in dead}
        for tenant in buried | {row.key.tenant for row in self._admissions()}:
            under_way = len({task.key for task in tables.open_tasks.values() if task.key.tenant == tenant})
            free = sum(row.free for (_, owner), row in tables.permits.items() if owner == tenant)
            if tenant in tables.lent:
                tables.lent[tenant] = max(0, under_way + free)
        return sorted(buried)

    async def waiting(self, tenant: str, limit: int) -> Sequence[Key]:
        """Return workflows of a tenant that wait for a permit, those first that have waited longest."""
        rows = [row for row in self._admissions() if row.key.tenant == tenant]
        rows.sort(key=lambda row: (row.due_at, row.key.workflow_id))
        return [row.key for row in rows[:limit]]

    async def tenants_waiting(self) -> Sequence[str]:
        """Return the tenants of which workflows wait for a permit."""
        return sorted({row.key.tenant for row in self._admissions()})

    async def depths(self) -> Mapping[str, int]:
        """Return how much waits, by tenant: tasks for an agent, and workflows for a permit."""
        found = Counter(row.key.tenant for row in self._admissions())
        found.update(task.key.tenant for task in self._tables.open_tasks.values() if task.status is TaskStatus.PENDING)
        return found

    def _admissions(self) -> list[TimerRow]:
        return [row for row in self._tables.timers.values() if row.name == ADMISSION_TIMER]
