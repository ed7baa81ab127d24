"""Brings the engine's tables to the form that this version needs."""

from __future__ import annotations

from pathlib import Path

from services.chassis import postgres


async def migrate(owner_dsn: str) -> None:
    """Run what is missing of the migrations, as the owner of the tables. Safe to run twice, also at once."""
    await postgres.migrate(owner_dsn, schema="engine", migrations=Path(__file__).with_name("migrations"))
