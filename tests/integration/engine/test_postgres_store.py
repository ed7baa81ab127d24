"""What only PostgreSQL can show of the store: locks, tenants' rights, and chains of hashes.

What every store promises is in tests/contract/engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from storages import OTHER_TENANT, TENANT, PostgresStorage, prepare

from archwright import ids
from services.engine.storage.commits import next_hash
from services.engine.storage.migrate import migrate


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    return await prepare(database)


@pytest.fixture
async def storage(engine_dsn: str, database: Any) -> AsyncIterator[PostgresStorage]:
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()


async def test_migrating_twice_changes_nothing(engine_dsn: str, database: Any) -> None:
    await asyncio.gather(migrate(database.owner_dsn), migrate(database.owner_dsn))


async def test_a_row_that_somebody_holds_is_skipped_and_not_waited_for(storage: PostgresStorage, database: Any) -> None:
    stored = await storage.start()
    other = await asyncpg.connect(database.owner_dsn)
    transaction = other.transaction()
    await transaction.start()
    await other.execute(
        "SELECT FROM engine.workflows WHERE workflow_id = $1 FOR UPDATE", ids.read("wf", stored.key.workflow_id)
    )
    try:
        async with asyncio.timeout(5):
            [written] = await storage.commit(storage.cancelling(stored))
    finally:
        await transaction.rollback()
        await other.close()

    assert written.verdict == "lost"


async def test_settling_waits_for_a_commit_that_is_under_way(storage: PostgresStorage, database: Any) -> None:
    key, batch_id = (await storage.start()).key, ids.new_uuid()
    other = await asyncpg.connect(database.owner_dsn)
    transaction = other.transaction()
    await transaction.start()
    await other.execute(
        "INSERT INTO engine.commits (batch_id, replica_id, tenant_ids, workflow_ids, first_seqs, counts) "
        "VALUES ($1, $1, ARRAY[$2], ARRAY[$3::uuid], ARRAY[1], ARRAY[1])",
        batch_id,
        key.tenant,
        ids.read("wf", key.workflow_id),
    )
    async with asyncio.TaskGroup() as group:
        settling = group.create_task(storage.store.settle(batch_id))
        done, _ = await asyncio.wait({settling}, timeout=0.2)
        assert not done
        await transaction.commit()
    await other.close()

    assert list(settling.result() or ()) == [key]


async def test_without_a_tenant_no_row_is_seen(storage: PostgresStorage) -> None:
    await storage.start()

    async with storage.database.engine() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.workflows") == 0
        assert await connection.fetchval("SELECT count(*) FROM engine.open_tasks") == 0


async def test_the_loops_see_every_tenants_tasks_and_nobodys_payloads(storage: PostgresStorage) -> None:
    await storage.start()
    await storage.start(tenant=OTHER_TENANT)

    async with storage.database.loops() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.open_tasks") == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("SELECT count(*) FROM engine.history")


async def test_history_is_chained_by_hashes(storage: PostgresStorage, database: Any) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.completing(stored, fence))

    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT first_seq, count, body, hash FROM engine.history WHERE workflow_id = $1 ORDER BY first_seq",
        ids.read("wf", stored.key.workflow_id),
    )
    await owner.close()
    head = b""
    for row in rows:
        head = next_hash(head, stored.key, row["first_seq"], row["count"], row["body"])
        assert row["hash"] == head
    assert (await storage.load(stored.key)).head_hash == head


async def test_audit_rows_are_chained(storage: PostgresStorage, database: Any) -> None:
    await storage.start()
    await storage.start()

    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT writer, number, previous_hash, hash FROM engine.audit WHERE tenant_id = $1 ORDER BY writer, number",
        TENANT,
    )
    await owner.close()
    for before, after in pairwise(rows):
        if before["writer"] == after["writer"]:
            assert after["number"] == before["number"] + 1
            assert after["previous_hash"] == before["hash"]
