"""Connections to PostgreSQL: one pool as the engine, one as the role of the loops.

SQLAlchemy keeps the pools and builds the reads. The commit and the claims, which move whole arrays in one call,
speak to asyncpg directly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

LOOPS_ROLE = "archwright_engine_loops"

_SECONDS_MAX = 30
_SET_TENANTS = text("SELECT set_config('app.tenants', :tenants, true)")


class Database:
    """The engine's PostgreSQL."""

    def __init__(self, dsn: str, *, pool_max: int) -> None:
        self._engine = _connect(dsn, pool_max=pool_max, role=None)
        self._loops = _connect(dsn, pool_max=max(2, pool_max // 2), role=LOOPS_ROLE)

    @asynccontextmanager
    async def tenant(self, *tenants: str) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees the rows of these tenants, and no others."""
        async with self._engine.begin() as connection:
            await connection.execute(_SET_TENANTS, {"tenants": ",".join(tenants)})
            yield connection

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees no tenant's rows until it says whose."""
        async with _bare(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def loops(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Lend a bare connection that sees the payload-free tables of all tenants."""
        async with _bare(self._loops) as connection:
            yield connection

    async def is_up(self) -> bool:
        """Return whether PostgreSQL answers."""
        try:
            async with self.engine() as connection:
                return bool(await connection.fetchval("SELECT true"))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        await self._loops.dispose()


def _connect(dsn: str, *, pool_max: int, role: str | None) -> AsyncEngine:
    server_settings = {
        "application_name": "archwright-engine",
        "statement_timeout": f"{_SECONDS_MAX}s",
        "idle_in_transaction_session_timeout": f"{_SECONDS_MAX}s",
        "jit": "off",
    }
    if role is not None:
        server_settings["role"] = role
    return create_async_engine(
        make_url(dsn).set(drivername="postgresql+asyncpg"),
        pool_size=pool_max,
        max_overflow=0,
        pool_timeout=_SECONDS_MAX,
        pool_pre_ping=False,
        connect_args={"timeout": 5, "command_timeout": _SECONDS_MAX, "server_settings": server_settings},
    )


@asynccontextmanager
async def _bare(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection[Any]]:
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        # SQLAlchemy's type is that of any driver; this engine has only ever one.
        bare = cast("asyncpg.Connection[Any]", pooled.driver_connection)
        try:
            yield bare
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            await connection.invalidate()
            raise
