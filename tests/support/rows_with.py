"""Looks for a text in every row of the engine."""

from __future__ import annotations

from typing import Any


async def places_of(owner: Any, text: str) -> list[str]:
    """Return the tables in which a text stands, once for each row, in clear or within bytes."""
    tables = [row[0] for row in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'engine'")]
    found: list[str] = []
    for table in tables:
        count = await owner.fetchval(
            f"SELECT count(*) FROM engine.{table} AS x WHERE x::text LIKE $1 OR x::text LIKE $2",
            f"%{text}%",
            f"%{text.encode().hex()}%",
        )
        found.extend([table] * count)
    return found
