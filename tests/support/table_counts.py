"""What PostgreSQL itself has counted of the engine's tables: rows written, and rows read."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import asyncpg

from services.engine.storage.database import Database

_COUNTS = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, seq_tup_read + coalesce(idx_tup_fetch, 0)
  FROM pg_stat_user_tables
 WHERE schemaname = 'engine'
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one table: `hot` are those of the updated that touched no index."""

    inserted: int = 0
    updated: int = 0
    hot: int = 0
    deleted: int = 0
    read: int = 0


class TableCounts:
    """Compares what was counted with what had been counted before."""

    def __init__(self, database: Database, owner: asyncpg.Connection[Any]) -> None:
        self._database = database
        self._owner = owner
        self._before: dict[str, Counts] = {}

    async def begin(self) -> None:
        """Count from now on."""
        self._before = await self._now()

    async def since(self) -> dict[str, Counts]:
        """Return what was done to each table since; tables to which nothing was done are left out."""
        now = await self._now()
        changed = {
            table: Counts(*(new - old for new, old in zip(astuple(counts), astuple(self._before[table]), strict=True)))
            for table, counts in now.items()
        }
        return {table: counts for table, counts in changed.items() if counts != Counts()}

    async def _now(self) -> dict[str, Counts]:
        # A connection tells what it has done when it is asked to, or about a second later.
        lenders = (self._database.committing, self._database.borrowing, self._database.engine, self._database.loops)
        for lend in lenders:
            async with lend() as connection:
                await connection.fetchval("SELECT pg_stat_force_next_flush()")
        await self._owner.fetchval("SELECT pg_stat_clear_snapshot()")
        return {row["relname"]: Counts(*list(row)[1:]) for row in await self._owner.fetch(_COUNTS)}
