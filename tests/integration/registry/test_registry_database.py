"""What only a real PostgreSQL shows: who sees which rows, migrations at once, commits out of order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from archwright.errors import DependencyUnavailable
from services.registry.domain.registration import Registration
from services.registry.storage.agents import PostgresAgents
from services.registry.storage.database import Database, migrate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSERT = """
INSERT INTO registry.agents (tenant_id, agent_id, agent_type, capabilities, max_concurrent_tasks, current_task_count,
  health_check_url, labels, said, is_silent, registered_at, last_heartbeat, changed_in)
VALUES ($1, $2, 'developer', '{}', 1, 0, '', '{}', 'online', false, now(), now(), pg_current_xact_id()::text::bigint)
"""


@pytest.fixture(scope="module")
async def migrated(empty_database):
    await asyncio.gather(*(migrate(empty_database.owner_dsn) for _ in range(3)))
    return empty_database


@pytest.fixture
async def agents(migrated) -> AsyncIterator[PostgresAgents]:
    pool = Database(migrated.dsn("archwright_registry"), pool_max=4)
    yield PostgresAgents(pool)
    await pool.close()


@pytest.fixture
async def connection(migrated) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(migrated.dsn("archwright_registry"))
    yield connection
    await connection.close()


def wish(agent_id: str, tenant: str) -> Registration:
    return Registration(tenant, agent_id, "developer", (), 1, "", {})


async def rows_seen(connection: asyncpg.Connection, tenants: str | None) -> set[str]:
    async with connection.transaction():
        if tenants is not None:
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenants)
        return {row["tenant_id"] for row in await connection.fetch("SELECT tenant_id FROM registry.agents")}


async def test_a_transaction_sees_the_tenants_it_names_and_no_others(
    agents: PostgresAgents, connection: asyncpg.Connection
) -> None:
    for tenant in ("acme", "globex", "platform"):
        await agents.put(wish("seen", tenant), NOON)

    assert await rows_seen(connection, None) == set()
    assert await rows_seen(connection, "") == set()
    assert await rows_seen(connection, "acme") == {"acme"}
    assert await rows_seen(connection, "acme,platform") == {"acme", "platform"}
    assert await rows_seen(connection, None) == set(), "the names must end with their transaction"


async def test_a_transaction_cannot_write_for_a_tenant_it_does_not_name(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT set_config('app.tenants', 'acme', true)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await connection.execute(INSERT, "globex", "intruder")
    await transaction.rollback()


async def test_the_services_role_owns_nothing_and_cannot_lift_the_policies(connection: asyncpg.Connection) -> None:
    for statement in ("ALTER TABLE registry.agents DISABLE ROW LEVEL SECURITY", "DROP TABLE registry.agents"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_policies_hold_for_the_owner_too(migrated) -> None:
    connection = await asyncpg.connect(migrated.owner_dsn)
    try:
        row = await connection.fetchrow(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'registry.agents'::regclass"
        )
    finally:
        await connection.close()

    assert tuple(row) == (True, True)


async def test_a_tenants_rows_are_found_by_the_primary_key_on_a_table_never_analysed(
    connection: asyncpg.Connection,
) -> None:
    async with connection.transaction():
        await connection.execute("SELECT set_config('app.tenants', 'acme', true)")
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in await connection.fetch(
                "EXPLAIN SELECT * FROM registry.agents WHERE tenant_id = 'acme' AND agent_id = 'seen'"
            )
        )

    assert "agents_pkey" in plan
    assert "InitPlan" in plan, "the list of tenants must be computed once, not once per row"


async def test_a_change_that_commits_late_is_not_missed(agents: PostgresAgents, connection: asyncpg.Connection) -> None:
    slow = connection.transaction()
    await slow.start()
    await connection.execute("SELECT set_config('app.tenants', 'acme', true)")
    await connection.execute(INSERT, "acme", "slow")
    await agents.put(wish("fast", "acme"), NOON)

    before = await agents.everybody()
    await slow.commit()
    after = await agents.changes_since(before.cursor)

    assert "fast" in {agent.agent_id for agent in before.agents}
    assert "slow" not in {agent.agent_id for agent in before.agents}
    assert "slow" in {agent.agent_id for agent in after.agents}


async def test_migrating_again_changes_nothing(migrated, agents: PostgresAgents) -> None:
    await agents.put(wish("kept", "acme"), NOON)

    await migrate(migrated.owner_dsn)

    assert await agents.get("kept", ("acme",)) is not None


async def test_a_database_that_does_not_answer_is_said_to_be_away(tmp_path) -> None:
    nowhere = Database(f"postgresql://archwright_registry@/nothing?host={tmp_path}", pool_max=1)
    agents = PostgresAgents(nowhere)

    with pytest.raises(DependencyUnavailable, match="database") as away:
        await agents.get("a1", ("acme",))

    assert away.value.retry_after_seconds is not None
    assert not await agents.is_up()
    await nowhere.close()


async def test_a_connection_that_broke_is_replaced(migrated, agents: PostgresAgents) -> None:
    await agents.put(wish("survivor", "acme"), NOON)
    owner = await asyncpg.connect(migrated.owner_dsn)
    try:
        ended = await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'archwright-registry' AND datname = current_database()"
        )
    finally:
        await owner.close()

    assert ended >= 1
    assert await agents.get("survivor", ("acme",)) is not None
