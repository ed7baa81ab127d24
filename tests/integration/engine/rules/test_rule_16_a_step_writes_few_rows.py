"""Rule 16: a step is one call that writes one row of state in place, one of history, one task's and the batch's own."""

from __future__ import annotations

from typing import Any

from storages import fence_of
from table_counts import Counts


async def test_a_step_updates_the_workflow_in_place_and_writes_one_row_of_history(storage: Any, counts: Any) -> None:
    stored = await storage.start(plan="long")
    for _ in range(3):
        _, fence = await storage.claim()
        await counts.begin()
        await storage.commit(storage.completing(stored, fence))
        stored = await storage.load(stored.key)

        assert {table: rows(each) for table, each in (await counts.since()).items() if rows(each) != Counts()} == {
            "workflows": Counts(updated=1, hot=1),
            "history": Counts(inserted=1),
            "open_tasks": Counts(inserted=1, deleted=1),
            "commits": Counts(inserted=1),
        }


async def test_a_hundred_results_in_one_batch_are_one_statement_and_one_row_of_commits(
    storage: Any, counts: Any
) -> None:
    stored = {each.key: each for each in [await storage.start(plan="long") for _ in range(100)]}
    claimed = await storage.claims(await storage.session(), 100)
    entries = [storage.completing(stored[each.key], fence_of(each)) for each in claimed]
    said: list[str] = []
    async with storage.database.committing() as connection:
        connection.add_query_logger(lambda query: said.append(query.query))
    await counts.begin()

    fates = await storage.commit(*entries)

    assert {fate.verdict for fate in fates} == {"won"}
    done = await counts.since()
    assert [query.split("(")[0] for query in said if "pg_stat" not in query] == ["SELECT engine.commit_batch"]
    assert rows(done["commits"]) == Counts(inserted=1)
    assert rows(done["workflows"]).updated == rows(done["history"]).inserted == 100


async def test_a_task_carries_no_payload_and_payloads_are_stored_as_they_are(storage: Any, owner: Any) -> None:
    columns = await owner.fetch(
        "SELECT c.relname, a.attname, a.attstorage, t.typname FROM pg_attribute AS a JOIN pg_class AS c "
        "ON c.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid "
        "WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
    )

    assert not [row["attname"] for row in columns if row["relname"] == "open_tasks" and row["typname"] == "bytea"]
    assert not [row for row in columns if row["typname"] in ("json", "jsonb")]
    stored_apart = {(row["relname"], row["attname"]) for row in columns if row["attstorage"] == b"e"}
    assert stored_apart >= {("workflows", "state"), ("history", "body"), ("inbox", "command"), ("step_cache", "output")}


async def test_no_index_covers_what_a_step_changes(storage: Any, owner: Any) -> None:
    indexed = await owner.fetch(
        "SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
        "AND a.attnum = ANY (i.indkey) WHERE i.indrelid = 'engine.workflows'::regclass"
    )

    changing = {"version", "last_seq", "head_hash", "state", "state_seq"}
    assert changing & {row["attname"] for row in indexed} == set()


def rows(counts: Counts) -> Counts:
    """Leave out what was only read."""
    return Counts(counts.inserted, counts.updated, counts.hot, counts.deleted)
