"""Counts across tenants, in PostgreSQL.

Waiting tasks and commits say nothing of their content, so the role of the loops counts them. Workflows it does not see
while they are under way: those are counted as the engine, in the name of all tenants.
"""

from __future__ import annotations

from sqlalchemy import func, select

from services.engine.ports.census import Counted
from services.engine.storage.codec import PRIORITY_OF_NUMBER, STATUS_NUMBER
from services.engine.storage.database import Database
from services.engine.storage.tables import workflows

_WAITING = "SELECT queue, priority, count(*) AS count FROM engine.open_tasks WHERE status = 1 GROUP BY queue, priority"

_OUTBOX_LAG = """
SELECT coalesce(extract(epoch FROM now() - min(committed_at)), 0)::double precision
  FROM engine.commits WHERE NOT published
"""

_TENANTS = "SELECT tenant_id FROM engine.quotas"

_STATUS_OF_NUMBER = {number: status for status, number in STATUS_NUMBER.items()}
_ACTIVE = (
    select(workflows.c.status, func.count().label("count"))
    .where(workflows.c.ended_at.is_(None))
    .group_by(workflows.c.status)
)


class PostgresCensus:
    """The census of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> Counted:
        """Look once. Only workflows of tenants that ever borrowed a permit are found, as all that start one do."""
        async with self._database.loops() as connection:
            waiting = await connection.fetch(_WAITING)
            lag = await connection.fetchval(_OUTBOX_LAG)
            tenants = [row["tenant_id"] for row in await connection.fetch(_TENANTS)]
        async with self._database.tenant(*tenants) as engine:
            active = (await engine.execute(_ACTIVE)).all()
        return Counted(
            waiting={(row["queue"], PRIORITY_OF_NUMBER[row["priority"]]): row["count"] for row in waiting},
            active={_STATUS_OF_NUMBER[status]: count for status, count in active},
            outbox_lag_seconds=max(0.0, lag),
        )
