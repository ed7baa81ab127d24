"""The checker on a real database: a sound one violates nothing, and what is planted in it is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from checker import Outside, violations
from storages import OTHER_TENANT, TENANT, PostgresStorage, prepare

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
    "a question without a row": ("I3", "DELETE FROM engine.approvals"),
    "a question that nobody is asked any more": ("I3", "UPDATE engine.approvals SET ended = true"),
    "a question that was never asked": ("I3", "UPDATE engine.approvals SET approval_id = gen_random_uuid()"),
    "a question of another event": ("I3", "UPDATE engine.approvals SET seq = seq + 1"),
    "history in another tenant's name": ("I9", "UPDATE engine.history SET tenant_id = 'third' WHERE first_seq > 1"),
    "a task in another tenant's name": ("I9", "UPDATE engine.open_tasks SET tenant_id = 'third'"),
    "a timer in another tenant's name": ("I9", "UPDATE engine.timers SET tenant_id = 'third'"),
    "a question in another tenant's name": ("I9", "UPDATE engine.approvals SET tenant_id = 'third'"),
    "an audit row in another tenant's name": (
        "I9",
        "UPDATE engine.audit SET tenant_id = 'third' WHERE tenant_id = 'acme'",
    ),
    "a commit in another tenant's name": (
        "I9",
        "UPDATE engine.commits SET tenant_ids = array_fill('third'::text, array[cardinality(tenant_ids)])",
    ),
    "a history of a workflow that is gone": ("I12", "DELETE FROM engine.workflows"),
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
    """A database with a workflow whose second step waits for an agent, and another tenant's that waits for people."""
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("TRUNCATE engine.workflows, engine.history, engine.audit")
    await owner.close()
    storage = PostgresStorage(dsn, database.owner_dsn)
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.completing(stored, fence))
    await storage.start(tenant=OTHER_TENANT, plan="approved")
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


OPENED = {
    "a policy that shows everything": (
        "CREATE POLICY too_wide ON engine.history FOR SELECT TO archwright_engine USING (true)",
        "DROP POLICY too_wide ON engine.history",
    ),
    "a table without its policies": (
        "ALTER TABLE engine.workflows DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE engine.workflows ENABLE ROW LEVEL SECURITY",
    ),
    "a role that no policy binds": (
        "ALTER ROLE archwright_engine BYPASSRLS",
        "ALTER ROLE archwright_engine NOBYPASSRLS",
    ),
}


@pytest.mark.parametrize("what", OPENED)
async def test_a_table_that_is_open_to_other_tenants_is_found(sound: PostgresStorage, database: Any, what: str) -> None:
    opening, closing = OPENED[what]
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(opening)
    try:
        found = await violations(database.owner_dsn)
    finally:
        await owner.execute(closing)
        await owner.close()

    assert any(each.startswith(f"I9 in the name of tenant {TENANT!r} the engine sees ") for each in found), found
    assert any(each.startswith("I9 in the name of nobody the engine sees ") for each in found), found


async def test_an_output_in_another_tenants_cache_is_found(sound: PostgresStorage, database: Any) -> None:
    seen = Outside(secrets={TENANT: "only for us"})
    assert await violations(database.owner_dsn, seen) == []
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(
        "INSERT INTO engine.step_cache VALUES ($1, sha256('key'), 'draft', $2, now() + interval '1 hour')",
        *(OTHER_TENANT, b'{"text":"only for us"}'),
    )
    await owner.close()

    found = await violations(database.owner_dsn, seen)

    assert found == ["I9 a cached output, of tenant 'other', says what only tenant 'acme' was told"]
