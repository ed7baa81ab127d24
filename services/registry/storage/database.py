"""Transactions of the registry: each says whose rows it may see before it does anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.chassis import postgres
from services.registry.storage.tables import SCHEMA

LOOPS_ROLE = "archwright_registry_loops"
_MIGRATIONS = Path(__file__).with_name("migrations")

_SET_TENANTS = text("SELECT set_config('app.tenants', :tenants, true)")
_BECOME = text("SELECT set_config('role', :role, true)")


class Database:
    """The registry's PostgreSQL."""

    def __init__(self, dsn: str, *, pool_max: int) -> None:
        self._engine = postgres.connect(dsn, application_name="archwright-registry", pool_max=pool_max)

    @asynccontextmanager
    async def transaction(self, tenants: tuple[str, ...] | None) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees the rows of these tenants and no others; None sees everybody's.

        Raises DependencyUnavailable when PostgreSQL does not answer.
        """
        with postgres.outages_told():
            async with self._engine.begin() as connection:
                if tenants is None:
                    await connection.execute(_BECOME, {"role": LOOPS_ROLE})
                else:
                    await connection.execute(_SET_TENANTS, {"tenants": ",".join(tenants)})
                yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def migrate(owner_dsn: str) -> None:
    """Bring the registry's schema to the form that this version needs."""
    await postgres.migrate(owner_dsn, schema=SCHEMA, migrations=_MIGRATIONS)
