"""What the database lets the role of the loops see and take: when, never what, and nothing that is under way."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from storages import SOURCES, TENANT, PostgresStorage

from archwright import ids
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target
from services.engine.domain.schedule_timing import Interval
from services.engine.ports.schedules import Request
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.contents.postgres import PostgresContents
from services.engine.storage.database import Database
from services.engine.storage.retention import PostgresLeftovers
from services.engine.storage.schedules import PostgresSchedules

DAY = timedelta(days=1)


@pytest.fixture
async def storage(database: Any) -> AsyncIterator[PostgresStorage]:
    found = PostgresStorage(database.dsn("archwright_engine"), database.owner_dsn)
    for source in SOURCES:
        await Catalogue(found.database).publish(TENANT, source, "ann", found.audit_row())
    yield found
    await found.close()


async def one(database: Database, question: str) -> Any:
    async with database.loops() as connection:
        return await connection.fetchval(question)


async def test_the_loops_see_when_schedules_are_due_and_not_what_they_start(storage: PostgresStorage) -> None:
    now = storage.now()
    schedule = Schedule(
        tenant=TENANT,
        schedule_id=ids.show("sched", ids.new_uuid()),
        name="secret",
        target=Target("chain", "", {"topic": "tea"}),
        timing=Interval(60),
        overlap=Overlap.SKIP,
        paused=False,
        note="",
        created_at=now,
        created_by="ann",
        progress=Progress(next_fire_at=now),
    )
    await PostgresSchedules(storage.database).create(schedule, Request("once", b"body"), storage.audit_row())

    assert await one(storage.database, "SELECT next_fire_at FROM engine.schedules") is not None
    for column in ("input", "name", "note", "created_by", "last_problem"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one(storage.database, f"SELECT {column} FROM engine.schedules")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await one(storage.database, "UPDATE engine.schedules SET next_fire_at = NULL RETURNING 1")


async def test_without_a_tenant_no_schedule_is_seen(storage: PostgresStorage) -> None:
    async with storage.database.engine() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.schedules") == 0


async def test_the_loops_see_no_workflow_that_is_under_way_and_no_state(storage: PostgresStorage) -> None:
    await storage.start()
    ended = await storage.start()
    await storage.commit(storage.cancelling(ended))

    assert await one(storage.database, "SELECT count(*) FROM engine.workflows") == 1
    for question in (
        "SELECT state FROM engine.workflows",
        "SELECT piece FROM engine.artifact_contents",
        "SELECT body FROM engine.history",
        "DELETE FROM engine.workflows",
        "DELETE FROM engine.artifacts",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await one(storage.database, question)


async def test_what_somebody_holds_is_skipped_and_goes_the_next_time(storage: PostgresStorage, database: Any) -> None:
    ended = await storage.start()
    await storage.commit(storage.cancelling(ended))
    content = b"a drawing"
    await storage.keep_file(TENANT, hashlib.sha256(content).hexdigest(), content)
    leftovers, later = PostgresLeftovers(storage.database, PostgresContents(storage.database)), storage.now() + DAY
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        async with owner.transaction():
            # A retry locks the workflow's row, and a result that names a file locks the file's.
            await owner.execute("SELECT FROM engine.workflows FOR NO KEY UPDATE")
            await owner.execute("SELECT FROM engine.artifacts FOR KEY SHARE")
            assert await leftovers.remove_workflows(later, limit=1_000) == 0
            assert (await leftovers.remove_files(later, after=None, limit=1_000)).removed == 0
    finally:
        await owner.close()

    assert await leftovers.remove_workflows(later, limit=1_000) >= 1
    assert (await leftovers.remove_files(later, after=None, limit=1_000)).removed == 1


async def test_the_removal_of_workflows_leaves_the_audit_alone(storage: PostgresStorage) -> None:
    ended = await storage.start()
    await storage.commit(storage.cancelling(ended))
    before = await storage.audit_count(TENANT)

    await PostgresLeftovers(storage.database, PostgresContents(storage.database)).remove_workflows(
        storage.now() + DAY, limit=1_000
    )

    assert await storage.audit_count(TENANT) == before
