"""Finds and removes what is old, in PostgreSQL.

What is old is found across tenants as the role of the loops. It is removed as the engine, in the name of its tenants,
by statements that look again: a workflow that was retried meanwhile, or a file that was named, is left alone. Rows
that somebody holds are skipped and found the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.engine.ports.contents import Contents
from services.engine.ports.retention import FileKey, Walked
from services.engine.storage.database import Database

_ENDED = """
SELECT tenant_id, workflow_id FROM engine.workflows
 WHERE ended_at < $1
 ORDER BY ended_at
 LIMIT $2
"""
_REMOVE_WORKFLOWS = """
WITH old AS MATERIALIZED (
  SELECT w.tenant_id, w.workflow_id
    FROM unnest($1::text[], $2::uuid[]) AS x (tenant_id, workflow_id)
    JOIN engine.workflows AS w USING (tenant_id, workflow_id)
   WHERE w.ended_at < $3
     FOR UPDATE OF w SKIP LOCKED
), history AS (
  DELETE FROM engine.history AS h USING old WHERE h.tenant_id = old.tenant_id AND h.workflow_id = old.workflow_id
), named AS (
  DELETE FROM engine.artifact_references AS r USING old
   WHERE r.tenant_id = old.tenant_id AND r.workflow_id = old.workflow_id
), tasks AS (
  DELETE FROM engine.open_tasks AS t USING old WHERE t.tenant_id = old.tenant_id AND t.workflow_id = old.workflow_id
), timers AS (
  DELETE FROM engine.timers AS m USING old WHERE m.tenant_id = old.tenant_id AND m.workflow_id = old.workflow_id
), asked AS (
  DELETE FROM engine.approvals AS a USING old WHERE a.tenant_id = old.tenant_id AND a.workflow_id = old.workflow_id
), letters AS (
  DELETE FROM engine.dead_letters AS l USING old WHERE l.tenant_id = old.tenant_id AND l.workflow_id = old.workflow_id
), mail AS (
  DELETE FROM engine.inbox AS i USING old WHERE i.tenant_id = old.tenant_id AND i.target = old.workflow_id
)
DELETE FROM engine.workflows AS w USING old WHERE w.tenant_id = old.tenant_id AND w.workflow_id = old.workflow_id
RETURNING w.workflow_id
"""
_REMOVE_LETTERS = """
DELETE FROM engine.dead_letters AS l
 USING unnest($1::text[], $2::uuid[]) AS x (tenant_id, letter_id)
 WHERE l.tenant_id = x.tenant_id AND l.letter_id = x.letter_id AND l.created_at < $3
   AND NOT EXISTS (SELECT FROM engine.workflows AS w WHERE w.tenant_id = l.tenant_id AND w.workflow_id = l.workflow_id)
RETURNING l.letter_id
"""
_OLD_LETTERS = """
SELECT tenant_id, letter_id FROM engine.dead_letters AS l
 WHERE kind = 'event' AND created_at < $1
   AND NOT EXISTS (SELECT FROM engine.workflows AS w WHERE w.tenant_id = l.tenant_id AND w.workflow_id = l.workflow_id)
 LIMIT $2
"""

_FILES = """
WITH page AS MATERIALIZED (
  SELECT tenant_id, sha256, touched_at, stage FROM engine.artifacts
   WHERE (tenant_id, sha256) > ($1, $2)
   ORDER BY tenant_id, sha256
   LIMIT $3
)
SELECT tenant_id, sha256,
       CASE stage WHEN 'removing' THEN touched_at < now() - make_interval(secs => $5)
       ELSE touched_at < $4 AND NOT EXISTS (
         SELECT FROM engine.artifact_references AS r WHERE r.tenant_id = page.tenant_id AND r.sha256 = page.sha256)
       END AS is_old
  FROM page ORDER BY tenant_id, sha256
"""
_MARK_FILES = """
WITH old AS MATERIALIZED (
  SELECT f.tenant_id, f.sha256
    FROM unnest($1::text[], $2::bytea[]) AS x (tenant_id, sha256)
    JOIN engine.artifacts AS f USING (tenant_id, sha256)
   WHERE (f.stage = 'removing' OR f.touched_at < $3) AND NOT EXISTS (
     SELECT FROM engine.artifact_references AS r WHERE r.tenant_id = f.tenant_id AND r.sha256 = f.sha256)
     FOR UPDATE OF f SKIP LOCKED
)
UPDATE engine.artifacts AS f SET stage = 'removing', touched_at = now()
  FROM old WHERE f.tenant_id = old.tenant_id AND f.sha256 = old.sha256
RETURNING f.tenant_id, f.sha256
"""
_REMOVE_FILE = """
DELETE FROM engine.artifacts WHERE tenant_id = $1 AND sha256 = $2 AND stage = 'removing'
"""
_REMOVAL_SECONDS = 600
"""Whoever has not finished removing files by then does not live any more, and another takes over."""

_REMOVE_CACHED = """
WITH old AS MATERIALIZED (
  SELECT tenant_id, key_sha256 FROM engine.step_cache WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
)
DELETE FROM engine.step_cache AS c USING old WHERE c.tenant_id = old.tenant_id AND c.key_sha256 = old.key_sha256
"""


class PostgresLeftovers:
    """Removes what is old, of all tenants."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    async def remove_workflows(self, ended_before: datetime, *, limit: int) -> int:
        """Remove workflows that ended before, the oldest first, with all that is kept of them; return how many.

        Never one that is under way, be it because somebody retried it just now. The audit keeps its rows.
        """
        async with self._database.loops() as connection:
            old = await connection.fetch(_ENDED, ended_before, limit)
        return len(await self._changed(_REMOVE_WORKFLOWS, old, ended_before))

    async def remove_letters(self, made_before: datetime, *, limit: int) -> int:
        """Remove dead letters of events that were made before and whose workflow is not there; return how many."""
        async with self._database.loops() as connection:
            old = await connection.fetch(_OLD_LETTERS, made_before, limit)
        return len(await self._changed(_REMOVE_LETTERS, old, made_before))

    async def remove_files(self, touched_before: datetime, *, after: FileKey | None, limit: int) -> Walked:
        """Look at files whose key sorts after `after`, and remove those that nothing names and nobody sent since."""
        begins = (after.tenant, bytes.fromhex(after.sha256)) if after else ("", b"")
        async with self._database.loops() as connection:
            seen = await connection.fetch(_FILES, *begins, limit, touched_before, _REMOVAL_SECONDS)
        # First the mark, then the content, then the row: at no moment does a row promise content that is not there.
        marked = await self._changed(_MARK_FILES, [row for row in seen if row["is_old"]], touched_before)
        for row in marked:
            await self._contents.delete(row["tenant_id"], row["sha256"].hex())
            async with self._database.engine() as connection, connection.transaction():
                await connection.execute("SELECT set_config('app.tenants', $1, true)", row["tenant_id"])
                await connection.execute(_REMOVE_FILE, row["tenant_id"], row["sha256"])
        is_end = len(seen) < limit
        return Walked(len(marked), None if is_end else FileKey(seen[-1]["tenant_id"], seen[-1]["sha256"].hex()))

    async def remove_cached_outputs(self, expired_before: datetime, *, limit: int) -> int:
        """Remove outputs of steps that may no longer be used again; return how many."""
        async with self._database.loops() as connection:
            return int((await connection.execute(_REMOVE_CACHED, expired_before, limit)).rpartition(" ")[2])

    async def _changed(
        self, statement: str, old: Sequence[asyncpg.Record], before: datetime
    ) -> Sequence[asyncpg.Record]:
        """Change rows by their first two columns, if they are still old, and return those."""
        if not old:
            return []
        tenants: list[Any] = [row[0] for row in old]
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", ",".join(sorted(set(tenants))))
            return await connection.fetch(statement, tenants, [row[1] for row in old], before)
