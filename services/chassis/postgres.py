"""PostgreSQL as every service of ours meets it: limits on every wait, migrations in order, outages in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from archwright.errors import Conflict, DependencyUnavailable

CONNECT_SECONDS_MAX: Final = 5.0
STATEMENT_SECONDS_MAX: Final = 15.0
RETRY_SECONDS: Final = 1.0
# Any number does, as long as all replicas take the same: only one of them migrates at a time, and roles
# belong to the whole server, so services do not migrate at the same time either.
_MIGRATION_LOCK: Final = 0x6172_6368
_AWAY: Final = ("08", "57P", "53300")
"""How SQLSTATEs begin that say: the connection broke, the server stops, crashed or starts, it has none left for us."""


def connect(dsn: str, *, application_name: str, pool_max: int, role: str = "") -> AsyncEngine:
    """Return a pool of connections, which become `role` where one is named; nothing is opened yet."""
    limit_ms = str(int(STATEMENT_SECONDS_MAX * 1000))
    as_role = {"role": role} if role else {}
    return create_async_engine(
        make_url(dsn).set(drivername="postgresql+asyncpg"),
        pool_size=pool_max,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS_MAX,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_SECONDS_MAX,
            # A little more than the server's own limit, whose error says more.
            "command_timeout": STATEMENT_SECONDS_MAX + 1,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": limit_ms,
                "idle_in_transaction_session_timeout": limit_ms,
                "jit": "off",
                **as_role,
            },
        },
    )


class DowngradeRefused(Conflict):
    """The tables cannot go back to the form that they had before a migration."""

    @classmethod
    def of(cls, revision: str, why: str) -> DowngradeRefused:
        """Name the migration, what keeps it from being taken back, and the way back that there is."""
        return cls(
            f"Migration {revision} cannot be taken back: {why}. Stop the service, restore the backup that was made "
            "before the upgrade, and start the older version on it; or stay with this version. Nothing was changed.",
            facts={"revision": revision, "why": why},
        )


@contextmanager
def outages_told() -> Iterator[None]:
    """Raise DependencyUnavailable where the driver says, in one of its many ways, that PostgreSQL is away."""
    try:
        yield
    except (
        OSError,
        TimeoutError,
        PoolTimeout,
        OperationalError,
        InterfaceError,
        asyncpg.InterfaceError,
        # All that it has to say on a connection whose server took its leave while nothing was asked of it.
        asyncpg.InternalClientError,
    ) as away:
        raise _unavailable() from away
    except asyncpg.PostgresError as failed:
        if (failed.sqlstate or "").startswith(_AWAY):
            raise _unavailable() from failed
        raise
    except DBAPIError as failed:
        if failed.connection_invalidated or (getattr(failed.orig, "sqlstate", None) or "").startswith(_AWAY):
            raise _unavailable() from failed
        raise


async def migrate(owner_dsn: str, *, schema: str, migrations: Path) -> None:
    """Bring `schema` to the newest form, as its owner. Safe to repeat, also by several replicas at once."""
    engine = create_async_engine(make_url(owner_dsn).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
            await connection.run_sync(_upgrade, schema, migrations)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "head")


def _unavailable() -> DependencyUnavailable:
    return DependencyUnavailable(
        "The database does not answer just now; try again in a moment.",
        retry_after_seconds=RETRY_SECONDS,
        facts={"dependency": "postgresql"},
    )
