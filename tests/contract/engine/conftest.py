"""The engine's storage twice: on a real PostgreSQL, and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from storages import MemoryStorage, PostgresStorage, Storage, prepare


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    return await prepare(database)


@pytest.fixture(params=["postgres", "memory"])
async def storage(request: pytest.FixtureRequest, engine_dsn: str, database: Any) -> AsyncIterator[Storage]:
    if request.param == "memory":
        yield MemoryStorage()
        return
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()
