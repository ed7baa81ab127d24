"""The quotas in PostgreSQL: one row a tenant, touched a few times a second and never by the commits of steps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from archwright import ids
from services.engine.ports.keys import Key
from services.engine.storage.database import Database

_BORROW = "SELECT engine.borrow_permits($1, $2, $3, $4)"

_OWE = """
INSERT INTO engine.quotas AS q (tenant_id, lent) VALUES ($1, greatest(0, $2))
ON CONFLICT (tenant_id) DO UPDATE SET lent = greatest(0, q.lent + $2)
"""

_REPORT = """
INSERT INTO engine.permits (replica_id, tenant_id, free)
SELECT $1, tenant_id, free FROM unnest($2::text[], $3::integer[]) AS x (tenant_id, free)
ON CONFLICT (replica_id, tenant_id) DO UPDATE SET free = excluded.free, seen_at = now()
"""

_LEAVE = """
WITH gone AS (DELETE FROM engine.permits WHERE replica_id = $1)
UPDATE engine.quotas AS q SET lent = greatest(0, q.lent - x.free)
  FROM unnest($2::text[], $3::integer[]) AS x (tenant_id, free) WHERE q.tenant_id = x.tenant_id
"""

_BURY = "DELETE FROM engine.permits WHERE seen_at < now() - make_interval(secs => $1) RETURNING tenant_id"

_RECOUNT = """
UPDATE engine.quotas AS q SET lent = greatest(0,
  (SELECT count(DISTINCT t.workflow_id) FROM engine.open_tasks AS t WHERE t.tenant_id = q.tenant_id)
  + coalesce((SELECT sum(p.free) FROM engine.permits AS p WHERE p.tenant_id = q.tenant_id), 0))
 WHERE q.tenant_id = ANY($1::text[])
"""

_LOCK = "SELECT FROM engine.quotas WHERE tenant_id = ANY($1::text[]) ORDER BY tenant_id FOR UPDATE"

_TENANTS_WAITING = "SELECT DISTINCT tenant_id FROM engine.timers WHERE name = 'admit'"

_WAITING = """
SELECT tenant_id, workflow_id FROM engine.timers
 WHERE name = 'admit' AND tenant_id = $1 ORDER BY due_at, workflow_id LIMIT $2
"""

_DEPTHS = """
SELECT tenant_id, count(*) AS depth FROM (
  SELECT tenant_id FROM engine.open_tasks WHERE status = 1
  UNION ALL SELECT tenant_id FROM engine.timers WHERE name = 'admit') AS waiting
 GROUP BY tenant_id
"""


class PostgresQuota:
    """The quotas of one replica's database."""

    def __init__(self, database: Database, replica_id: uuid.UUID) -> None:
        self._database = database
        self._replica_id = replica_id

    async def borrow(self, tenant: str, wanted: int, limit: int) -> int:
        """Borrow up to `wanted` permits, as long as no more than `limit` are lent in all; return how many."""
        async with self._database.borrowing() as connection:
            granted: int = await connection.fetchval(_BORROW, self._replica_id, tenant, wanted, limit)
        return granted

    async def owe(self, tenant: str, count: int) -> None:
        """Borrow permits that are in use already, whatever the limit."""
        async with self._database.loops() as connection:
            await connection.execute(_OWE, tenant, count)

    async def give_back(self, tenant: str, count: int) -> None:
        """Return permits that nobody uses."""
        await self.owe(tenant, -count)

    async def report(self, free: Mapping[str, int]) -> None:
        """Say that this replica lives, and how many permits it has that it does not use, by tenant."""
        async with self._database.loops() as connection:
            await connection.execute(_REPORT, self._replica_id, list(free), list(free.values()))

    async def leave(self, unused: Mapping[str, int]) -> None:
        """Return what this replica has and does not use, by tenant: it stops, and borrows nothing any more."""
        async with self._database.loops() as connection:
            await connection.execute(_LEAVE, self._replica_id, list(unused), list(unused.values()))

    async def recount(self, dead_after_seconds: float) -> Sequence[str]:
        """Take back what replicas had that are dead; return the tenants concerned.

        Where workflows wait for a permit it is counted anew who has one: answers get lost, and permits with them.
        """
        async with self._database.loops() as connection, connection.transaction():
            buried = await connection.fetch(_BURY, dead_after_seconds)
            waiting = await connection.fetch(_TENANTS_WAITING)
            tenants = sorted({row["tenant_id"] for row in (*buried, *waiting)})
            if tenants:
                # Whoever borrows just now is done once the row is ours, and is counted.
                await connection.fetch(_LOCK, tenants)
                await connection.execute(_RECOUNT, tenants)
        return sorted({row["tenant_id"] for row in buried})

    async def waiting(self, tenant: str, limit: int) -> Sequence[Key]:
        """Return workflows of a tenant that wait for a permit, those first that have waited longest."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_WAITING, tenant, limit)
        return [Key(row["tenant_id"], ids.show("wf", row["workflow_id"])) for row in rows]

    async def tenants_waiting(self) -> Sequence[str]:
        """Return the tenants of which workflows wait for a permit."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_TENANTS_WAITING)
        return sorted(row["tenant_id"] for row in rows)

    async def depths(self) -> Mapping[str, int]:
        """Return how much waits, by tenant: tasks for an agent, and workflows for a permit."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_DEPTHS)
        return {row["tenant_id"]: row["depth"] for row in rows}
