"""Rule 1, its first half: a batch is one call and one row a workflow; who lost the race leaves nothing of itself."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace
from storages import new_key

from archwright import ids
from services.engine.domain.commands import CancelWorkflow, PauseWorkflow, StartChild
from services.engine.domain.events import Parent
from services.engine.ports.commands import Asked

TABLES = ("workflows", "history", "open_tasks", "timers", "inbox", "audit")


async def test_a_loser_leaves_no_row_and_the_winner_beside_it_leaves_all(storage: Any, owner: Any) -> None:
    lost, won = await storage.start(), await storage.start()
    await storage.commit(storage.cancelling(lost))
    before = {table: await rows_of(owner, table, lost.key) for table in TABLES}
    key = new_key()
    word = StartChild(key.workflow_id, "chain", "", {}, Parent(lost.key.workflow_id, "draft"))
    late = storage.saying(storage.cancelling(lost), key, "word", word)

    fates = await storage.commit(replace(late, audit=(storage.audit_row(),)), storage.cancelling(won))

    assert [fate.verdict for fate in fates] == ["lost", "won"]
    assert {table: await rows_of(owner, table, lost.key) for table in TABLES} == before
    assert await owner.fetchval("SELECT count(*) FROM engine.inbox WHERE target = $1", uuid_of(key)) == 0
    [spans] = await owner.fetch("SELECT workflow_ids FROM engine.commits ORDER BY committed_at DESC LIMIT 1")
    assert spans["workflow_ids"] == [uuid_of(won.key)]


async def test_a_batch_is_one_call_and_its_commands_to_one_workflow_are_one_row(
    replica: Any, storage: Any, owner: Any
) -> None:
    one, other = await storage.start(), await storage.start()
    said: list[str] = []
    async with storage.database.committing() as connection:
        connection.add_query_logger(lambda query: said.append(query.query))
    commands = [
        Asked(one.key, PauseWorkflow(storage.now(), "ann", "", "r1")),
        Asked(one.key, CancelWorkflow(storage.now(), "ann", "", "r2")),
        Asked(other.key, CancelWorkflow(storage.now(), "ann", "", "r3")),
    ]

    async with asyncio.TaskGroup() as group:
        await replica.commit_all(*[group.create_task(replica.committer.submit(asked)) for asked in commands])

    assert [query.split("(")[0] for query in said] == ["SELECT engine.commit_batch"]
    for stored, events in ((one, 2), (other, 1)):
        rows = await rows_of(owner, "history", stored.key)
        assert [row["count"] for row in rows[1:]] == [events + tasks_called_off(rows[-1])]
        assert (await storage.load(stored.key)).version == 2


def tasks_called_off(row: Any) -> int:
    return int(row["body"].count(b"task_cancelled"))


async def rows_of(owner: Any, table: str, key: Any) -> list[Any]:
    column = "target" if table == "inbox" else "workflow_id"
    rows: list[Any] = await owner.fetch(f"SELECT * FROM engine.{table} WHERE {column} = $1", uuid_of(key))
    return rows


def uuid_of(key: Any) -> Any:
    return ids.read("wf", key.workflow_id)
