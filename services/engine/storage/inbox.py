"""The inbox in PostgreSQL. The loops find out who has mail; what it says is read by the tenant's right."""

from __future__ import annotations

from collections.abc import Sequence

from archwright import ids
from services.engine.ports.inbox import Mail
from services.engine.ports.keys import Key
from services.engine.storage.database import Database
from services.engine.storage.message_codec import load_message

_RESERVE_SECONDS = 10

_TAKE = """
WITH due AS MATERIALIZED (
  SELECT tenant_id, target, key FROM engine.inbox
   WHERE reserved_until IS NULL OR reserved_until < now()
   ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE engine.inbox AS i SET reserved_until = now() + make_interval(secs => $2)
  FROM due WHERE i.tenant_id = due.tenant_id AND i.target = due.target AND i.key = due.key
RETURNING i.tenant_id, i.target, i.key, i.created_at
"""

_READ = """
SELECT i.tenant_id, i.target, i.key, i.command
  FROM unnest($1::text[], $2::uuid[], $3::text[]) AS x (tenant_id, target, key)
  JOIN engine.inbox AS i USING (tenant_id, target, key)
 ORDER BY i.created_at
"""


class PostgresInbox:
    """The words that wait in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, limit: int) -> Sequence[Mail]:
        """Return words that nobody is busy with, oldest first, and reserve them briefly."""
        async with self._database.loops() as connection:
            due = await connection.fetch(_TAKE, limit, _RESERVE_SECONDS)
        if not due:
            return []
        columns = [[row[name] for row in due] for name in ("tenant_id", "target", "key")]
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", ",".join(sorted(set(columns[0]))))
            rows = await connection.fetch(_READ, *columns)
        return [
            Mail(Key(row["tenant_id"], ids.show("wf", row["target"])), row["key"], load_message(row["command"]))
            for row in rows
        ]

    async def drop(self, mail: Mail) -> None:
        """Forget a word that has become pointless."""
        async with self._database.loops() as connection:
            await connection.execute(
                "DELETE FROM engine.inbox WHERE tenant_id = $1 AND target = $2 AND key = $3",
                mail.to.tenant,
                ids.read("wf", mail.to.workflow_id),
                mail.message_key,
            )
