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
_COMMITS_AT_ONCE = 3  # no more are ever under way
_SET_TENANTS = text("SELECT set_config('app.tenants', :tenants, true)")


class Database:
    """The engine's PostgreSQL."""

    def __init__(self, dsn: str, *, pool_max: int) -> None:
        self._engine = connect(dsn, application_name=_NAME, pool_max=pool_max)
        self._loops = connect(dsn, application_name=_NAME, pool_max=max(2, pool_max // 2), role=LOOPS_ROLE)
        self._committing = _Kept(self._engine, _COMMITS_AT_ONCE)
        self._asking = _Kept(self._engine, 1)
        self._borrowing = _Kept(self._loops, 1)

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
        """Lend a connection of which nothing is asked but commits."""
        return self._committing.lend()

    def asking(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """Lend the one connection for questions of a single call that says itself whose rows it may see."""
        return self._asking.lend()

    def borrowing(self) -> AbstractAsyncContextManager[asyncpg.Connection[Any]]:
        """Lend the one connection that borrows permits, for which starts wait."""
        return self._borrowing.lend()

    @asynccontextmanager
    async def loops(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees the payload-free tables of all tenants."""
        async with _bare(self._loops) as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._committing.close()
        await self._asking.close()
        await self._borrowing.close()
        await self._engine.dispose()
        await self._loops.dispose()


class _Kept:
    """Connections that stay open, each for one user at a time: taking one from the pool costs two round trips."""

    def __init__(self, pool: AsyncEngine, most: int) -> None:
        self._pool = pool
        self._free: list[tuple[AsyncConnection, asyncpg.Connection[Any]]] = []
        self._may_take = asyncio.Semaphore(most)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend the one that was used last; one on which anything failed is never lent again."""
        with outages_told():
            async with self._may_take:
                if self._free:
                    pooled, bare = self._free.pop()
                else:
                    pooled = await self._pool.connect()
                    bare = await _bare_of(pooled)
                try:
                    yield bare
                except BaseException:
                    await pooled.invalidate()
                    await pooled.close()
                    raise
                self._free.append((pooled, bare))

    async def close(self) -> None:
        """Give them back."""
        while self._free:
            pooled, _ = self._free.pop()
            await pooled.close()


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
