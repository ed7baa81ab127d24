"""Replicas on a real PostgreSQL for each test of a rule of durability."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from one_replica import OneReplica, replica_on
from storages import PostgresStorage, prepare
from table_counts import TableCounts


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    return await prepare(database)


@pytest.fixture
async def storage(engine_dsn: str, database: Any) -> AsyncIterator[PostgresStorage]:
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()


@pytest.fixture
async def other_storage(engine_dsn: str, database: Any) -> AsyncIterator[PostgresStorage]:
    """The storage of another replica on the same database."""
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()


@pytest.fixture
def replica(storage: PostgresStorage) -> OneReplica:
    return replica_on(storage)


@pytest.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that sees every row."""
    found = await asyncpg.connect(database.owner_dsn)
    yield found
    await found.close()


@pytest.fixture
def counts(storage: PostgresStorage, owner: asyncpg.Connection[Any]) -> TableCounts:
    return TableCounts(storage.database, owner)
