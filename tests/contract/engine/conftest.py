"""The engine's storage twice: on a real PostgreSQL, and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from storages import OTHER_TENANT, SOURCES, TENANT, MemoryStorage, PostgresStorage, Storage

from services.engine.storage.catalogue import Catalogue
from services.engine.storage.database import Database
from services.engine.storage.migrate import migrate


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    await migrate(database.owner_dsn)
    dsn: str = database.dsn("archwright_engine")
    first = Database(dsn, pool_max=2)
    for tenant in (TENANT, OTHER_TENANT):
        for source in SOURCES:
            await Catalogue(first).publish(tenant, source, "ann", MemoryStorage().audit_row())
    await first.close()
    return dsn


@pytest.fixture(params=["postgres", "memory"])
async def storage(request: pytest.FixtureRequest, engine_dsn: str, database: Any) -> AsyncIterator[Storage]:
    if request.param == "memory":
        yield MemoryStorage()
        return
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()
