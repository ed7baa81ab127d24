"""Rule 15: whoever may see which tenant's rows is said in the one cheap form, and no plan reads through a table."""

from __future__ import annotations

from typing import Any

import pytest
from storages import TENANT, Storage, entry_of, new_key

from archwright import ids
from services.engine.domain.commands import PauseWorkflow

CROWD = 400
CHEAP = "(tenant_id = ANY (( SELECT string_to_array(current_setting('app.tenants'"
"""How PostgreSQL tells the form that is looked up once, and not for each row."""


@pytest.fixture
async def crowd(storage: Any, owner: Any) -> Storage:
    """A database in which much goes on and which has never been analysed."""
    for table in ("workflows", "history", "open_tasks", "timers", "commits", "sessions"):
        await owner.execute(f"ALTER TABLE engine.{table} SET (autovacuum_enabled = off)")
    await storage.commit(*[storage.beginning(new_key()) for _ in range(CROWD)])
    analysed = await owner.fetchval(
        "SELECT count(*) FROM pg_stat_user_tables WHERE schemaname = 'engine' "
        "AND relname IN ('workflows', 'history', 'open_tasks', 'timers') AND last_analyze IS NOT NULL"
    )
    assert not analysed
    return storage


async def test_every_policy_of_tenants_asks_for_the_setting_once_a_statement(storage: Any, owner: Any) -> None:
    found = await owner.fetch(
        "SELECT tablename, coalesce(qual, with_check) AS rule FROM pg_policies "
        "WHERE schemaname = 'engine' AND 'archwright_engine' = ANY (roles)"
    )
    rules = [(row["tablename"], " ".join(row["rule"].split())) for row in found]

    assert {table for table, rule in rules if rule == "true"} == {"commits"}, "which says nothing of what was written"
    assert {table for table, _ in rules} >= {"workflows", "history", "open_tasks", "inbox", "audit"}
    for table, rule in rules:
        assert rule == "true" or rule.startswith(CHEAP), table


async def test_every_table_with_tenants_rows_is_guarded(owner: Any, storage: Any) -> None:
    unguarded = await owner.fetch(
        "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind = 'r' "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND EXISTS ("
        "SELECT FROM information_schema.role_table_grants AS g WHERE g.table_schema = 'engine' "
        "AND g.table_name = c.relname AND g.grantee = 'archwright_engine')"
    )

    assert [row["relname"] for row in unguarded] == []


async def test_a_step_in_a_crowd_is_found_by_keys(crowd: Any, counts: Any) -> None:
    stored = await crowd.start()
    session_id = await crowd.session()
    large = await crowd.start(plan="large")
    await crowd.commit(entry_of(large, PauseWorkflow(crowd.now(), "ann", "")))
    await counts.begin()

    assert len(await crowd.claims(session_id, 5)) == 5
    assert (await crowd.load(large.key)).tail_bytes
    assert await crowd.store.summary(large.key) is not None
    await crowd.board.renew([session_id])
    loaded = await crowd.load(stored.key)
    [written] = await crowd.commit(crowd.cancelling(loaded))
    await crowd.store.summary(stored.key)
    await crowd.store.events(stored.key, after_seq=0, limit=10)
    await crowd.store.open_tasks(stored.key)
    await crowd.store.last_seqs([stored.key])
    await crowd.store.find_by_request(TENANT, "nobody's")
    await crowd.store.settle(ids.new_uuid())

    assert written.verdict == "won"
    done = await counts.since()
    read = {table: done[table].read for table in ("workflows", "history", "open_tasks", "timers") if table in done}
    assert {table: rows for table, rows in read.items() if rows > CROWD // 10} == {}


async def test_the_loops_see_when_and_never_what(storage: Any, owner: Any) -> None:
    granted = await owner.fetch(
        "SELECT DISTINCT table_name, column_name FROM information_schema.column_privileges "
        "WHERE table_schema = 'engine' AND grantee = 'archwright_engine_loops' AND privilege_type = 'SELECT'"
    )
    payloads = {("history", "body"), ("workflows", "state"), ("inbox", "command"), ("step_cache", "output")}
    payloads |= {("artifact_contents", "piece"), ("definitions", "source")}

    assert {(row["table_name"], row["column_name"]) for row in granted} & payloads == set()
