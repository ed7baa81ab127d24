"""What is remembered of the bus, in PostgreSQL and by its clock."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from archwright import ids
from services.bus.port import Standing
from services.engine.ports.bus_record import BusKnown, Redelivery
from services.engine.storage.database import Database

_TAKE_CHARGE = """
INSERT INTO engine.bus AS b (kept_by, kept_until) VALUES ($1, now() + make_interval(secs => $2))
ON CONFLICT (only_row) DO UPDATE SET kept_by = excluded.kept_by, kept_until = excluded.kept_until
 WHERE b.kept_by = excluded.kept_by OR b.kept_until < now()
RETURNING true
"""
_NOTE = """
INSERT INTO engine.bus_groups (name, settled_until)
SELECT name, $3::timestamptz - make_interval(secs => seconds) FROM unnest($1::text[], $2::float8[]) AS x (name, seconds)
ON CONFLICT (name) DO UPDATE SET settled_until = excluded.settled_until
"""
_UNPUBLISH = """
UPDATE engine.commits SET published = false, reserved_until = NULL
 WHERE published AND published_at >= $1 AND cardinality(workflow_ids) > 0
"""
_REDELIVER_AGAIN = """
UPDATE engine.dead_letters SET redelivered_at = NULL
 WHERE kind = 'event' AND state = 'redriven' AND redelivered_at >= $1
"""
_REDELIVERIES = """
SELECT tenant_id, letter_id, group_name, workflow_id, envelope FROM engine.dead_letters
 WHERE kind = 'event' AND state = 'redriven' AND redelivered_at IS NULL
 LIMIT $1
"""
_REDELIVERED = """
UPDATE engine.dead_letters AS l SET redelivered_at = now()
  FROM unnest($1::text[], $2::uuid[]) AS x (tenant_id, letter_id), engine.bus AS b
 WHERE l.tenant_id = x.tenant_id AND l.letter_id = x.letter_id AND b.epoch = $3
"""


class PostgresBusRecord:
    """What one replica remembers, and all others with it."""

    def __init__(self, database: Database, replica_id: uuid.UUID) -> None:
        self._database = database
        self._replica_id = replica_id

    async def take_charge(self, seconds: float) -> bool:
        """Return whether it is on this replica to look after the bus."""
        async with self._database.loops() as connection:
            return await connection.fetchval(_TAKE_CHARGE, self._replica_id, seconds) is not None

    async def known(self) -> BusKnown:
        """Return what is remembered."""
        async with self._database.loops() as connection:
            at = await connection.fetchval("SELECT now()")
            bus = await connection.fetchrow("SELECT life, epoch FROM engine.bus")
            rows = await connection.fetch("SELECT name, settled_until FROM engine.bus_groups ORDER BY name")
        groups = {row["name"]: row["settled_until"] for row in rows}
        return BusKnown("", groups, at) if bus is None else BusKnown(bus["life"], groups, at, bus["epoch"])

    async def lost(self, life: str, since: datetime | None) -> int:
        """Note that the bus may have lost what it was told since then."""
        async with self._database.loops() as connection, connection.transaction():
            # First, as it waits for those who are noting what was published before; the next statement sees that.
            await connection.execute("UPDATE engine.bus SET life = $1, epoch = epoch + 1", life)
            if since is None:
                return 0
            await connection.execute(_REDELIVER_AGAIN, since)
            count = await connection.execute(_UNPUBLISH, since)
        return int(count.rpartition(" ")[2])

    async def note(self, standings: Sequence[Standing], at: datetime) -> None:
        """Note how far the groups had come, at this time or later."""
        names = [standing.group for standing in standings]
        seconds = [standing.behind_seconds for standing in standings]
        async with self._database.loops() as connection:
            await connection.execute(_NOTE, names, seconds, at)

    async def redeliveries(self, *, limit: int) -> Sequence[Redelivery]:
        """Return the first events that somebody redrove and that their groups were not given again yet."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_REDELIVERIES, limit)
        return [
            Redelivery(
                tenant=row["tenant_id"],
                letter_id=ids.show("letter", row["letter_id"]),
                group=row["group_name"],
                workflow_id=ids.show("wf", row["workflow_id"]),
                envelope=row["envelope"],
            )
            for row in rows
        ]

    async def redelivered(self, done: Sequence[Redelivery], epoch: int) -> None:
        """Note that the bus has these. Where it may have lost something since that epoch, nothing is noted."""
        tenants, letters = [each.tenant for each in done], [ids.read("letter", each.letter_id) for each in done]
        async with self._database.loops() as connection:
            await connection.execute(_REDELIVERED, tenants, letters, epoch)

    async def forget(self, group: str) -> None:
        """Forget a group."""
        async with self._database.loops() as connection:
            await connection.execute("DELETE FROM engine.bus_groups WHERE name = $1", group)
