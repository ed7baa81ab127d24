"""Connections to PostgreSQL: one pool as the engine, one as the role of the loops.

SQLAlchemy keeps the pools and builds the reads. The commit and the claims, which move whole arrays in one call,
speak to asyncpg directly. An outage is told as DependencyUnavailable, whatever the driver calls it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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
        self._committing = _Kept(self._engine)
        self._asking = _Kept(self._engine)

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

    def committing(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """Lend the one connection that commits, so that nothing is asked of it but the commit."""
        return self._committing.lend()

    def asking(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """Lend the one connection for questions of a single call that says itself whose rows it may see."""
        return self._asking.lend()

    @asynccontextmanager
    async def loops(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees the payload-free tables of all tenants."""
        async with _bare(self._loops) as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._committing.close()
        await self._asking.close()
        await self._engine.dispose()
        await self._loops.dispose()


class _Kept:
    """A connection that stays open, for one user at a time: taking one from the pool costs two round trips."""

    def __init__(self, pool: AsyncEngine) -> None:
        self._pool = pool
        self._open: tuple[AsyncConnection, asyncpg.Connection[Any]] | None = None
        self._lent = asyncio.Lock()

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend it; after a failure the next one is new, whatever the failure was."""
        with outages_told():
            async with self._lent:
                if self._open is None:
                    pooled = await self._pool.connect()
                    self._open = pooled, await _bare_of(pooled)
                pooled, bare = self._open
                try:
                    yield bare
                except BaseException:
                    self._open = None
                    await pooled.invalidate()
                    await pooled.close()
                    raise

    async def close(self) -> None:
        """Give it back."""
        if self._open is not None:
            await self._open[0].close()


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
