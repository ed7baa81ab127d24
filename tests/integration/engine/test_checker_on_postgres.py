"""The checker on a real database: a sound one violates nothing, and what is planted in it is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from checker import violations
from storages import PostgresStorage, prepare

PLANTED = {
    "a task without a row": ("I1", "DELETE FROM engine.open_tasks"),
    "a deadline without a timer": ("I1", "DELETE FROM engine.timers"),
    "a status without its event": ("I2", "UPDATE engine.workflows SET status = 5"),
    "a gap in history": ("I3", "DELETE FROM engine.history WHERE first_seq > 1"),
    "a changed body": ("I3", "UPDATE engine.history SET body = replace(body::text, '746561', '616c65')::bytea"),
    "a broken chain": ("I3", "UPDATE engine.history SET hash = sha256(hash) WHERE first_seq = 1"),
    "another head": ("I3", "UPDATE engine.workflows SET head_hash = sha256(head_hash)"),
    "a version too many": ("I4", "UPDATE engine.workflows SET version = version + 1"),
    "an outbox that does not drain": (
        "I7",
        "UPDATE engine.commits SET published = false, committed_at = now() - interval '31 s'",
    ),
    "an audit row that is gone": ("I8", "DELETE FROM engine.audit"),
    "an audit row that was changed": ("I8", "UPDATE engine.audit SET user_id = 'eve'"),
    "an audit chain that was cut": ("I8", "UPDATE engine.audit SET number = number + 1"),
    "a task of nobody's": (
        "I12",
        "UPDATE engine.open_tasks SET status = 3, session_id = NULL",
    ),
    "a timer of a workflow that is gone": (
        "I12",
        """
        INSERT INTO engine.timers (tenant_id, workflow_id, name, generation, due_at)
        SELECT tenant_id, gen_random_uuid(), 'deadline', 0, now() FROM engine.workflows LIMIT 1
        """,
    ),
}


@pytest.fixture(scope="module")
async def dsn(database: Any) -> str:
    return await prepare(database)


@pytest.fixture
async def sound(dsn: str, database: Any) -> AsyncIterator[PostgresStorage]:
    """A database with one workflow, whose second step waits for an agent."""
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("TRUNCATE engine.workflows, engine.history, engine.audit")
    await owner.close()
    storage = PostgresStorage(dsn, database.owner_dsn)
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.completing(stored, fence))
    yield storage
    await storage.close()


async def test_a_sound_database_violates_nothing(sound: PostgresStorage, database: Any) -> None:
    assert await violations(database.owner_dsn) == []


@pytest.mark.parametrize("what", PLANTED)
async def test_what_is_planted_in_a_database_is_found(sound: PostgresStorage, database: Any, what: str) -> None:
    number, statement = PLANTED[what]
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(statement)
    await owner.close()

    found = await violations(database.owner_dsn)

    assert any(each.startswith(f"{number} ") for each in found), found
