"""Connections to PostgreSQL: one pool as the engine, one as the role of the loops.

SQLAlchemy keeps the pools and builds the reads. The commit and the claims, which move whole arrays in one call,
speak to asyncpg directly. An outage is told as DependencyUnavailable, whatever the driver calls it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.chassis.postgres import connect, outages_told

LOOPS_ROLE = "archwright_engine_loops"

_NAME = "archwright-engine"
_SET_TENANTS = text("SELECT set_config('app.tenants', :tenants, true)")


class Database:
    """The engine's PostgreSQL."""

    def __init__(self, dsn: str, *, pool_max: int) -> None:
        self._engine = connect(dsn, application_name=_NAME, pool_max=pool_max)
        self._loops = connect(dsn, application_name=_NAME, pool_max=max(2, pool_max // 2), role=LOOPS_ROLE)
        self._kept: tuple[AsyncConnection, asyncpg.Connection[Any]] | None = None
        self._keeping = asyncio.Lock()

    @asynccontextmanager
    async def tenant(self, *tenants: str) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees the rows of these tenants, and no others."""
        with outages_told():
            async with self._engine.begin() as connection:
                await connection.execute(_SET_TENANTS, {"tenants": ",".join(tenants)})
                yield connection

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees no tenant's rows until it says whose."""
        async with _bare(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def committing(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend the one connection that commits: it is kept, so that nothing is asked of it but the commit."""
        with outages_told():
            async with self._keeping:
                if self._kept is None:
                    pooled = await self._engine.connect()
                    self._kept = pooled, await _bare_of(pooled)
                pooled, bare = self._kept
                try:
                    yield bare
                except BaseException:
                    # Whatever it was, the next commit begins on a connection that nobody has spoken on.
                    self._kept = None
                    await pooled.invalidate()
                    await pooled.close()
                    raise

    @asynccontextmanager
    async def loops(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees the payload-free tables of all tenants."""
        async with _bare(self._loops) as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        if self._kept is not None:
            await self._kept[0].close()
        await self._engine.dispose()
        await self._loops.dispose()


@asynccontextmanager
async def _bare(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection[Any]]:
    with outages_told():
        async with engine.connect() as connection:
            bare = await _bare_of(connection)
            try:
                yield bare
            except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
                await connection.invalidate()
                raise


async def _bare_of(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    pooled = await connection.get_raw_connection()
    # SQLAlchemy's type is that of any driver; this engine has only ever one.
    return cast("asyncpg.Connection[Any]", pooled.driver_connection)
