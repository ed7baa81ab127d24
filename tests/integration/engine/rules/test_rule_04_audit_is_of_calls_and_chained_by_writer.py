"""Rule 4: one audit row a call and none an agent's result, numbered without a gap in each writer's own chain."""

from __future__ import annotations

import asyncio
from typing import Any

from held_store import HeldStore
from msgspec.structs import replace
from one_replica import replica_on
from storages import TENANT

from services.engine.domain.commands import CancelWorkflow
from services.engine.ports.commands import Asked


async def test_a_call_leaves_one_row_and_an_agents_work_none(storage: Any) -> None:
    before = await storage.audit_count(TENANT)
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])

    await storage.commit(storage.completing(stored, fence))

    assert await storage.audit_count(TENANT) == before + 1


async def test_each_writer_has_a_chain_of_its_own_in_which_a_lost_call_leaves_no_gap(
    storage: Any, other_storage: Any, owner: Any
) -> None:
    await owner.execute("TRUNCATE engine.audit")
    stored = await storage.start()
    calls = [replace(place.cancelling(stored), audit=(place.audit_row(),)) for place in (other_storage, storage)]
    for place, call in zip((other_storage, storage), calls, strict=True):
        await place.commit(call)
    await storage.start()
    await other_storage.start()

    rows = await owner.fetch("SELECT writer, number, previous_hash, hash FROM engine.audit ORDER BY writer, number")
    chains: dict[Any, list[Any]] = {}
    for row in rows:
        chains.setdefault(row["writer"], []).append(row)
    assert [[row["number"] for row in chain] for chain in chains.values()] == [[1, 2], [1, 2]]
    for first, second in chains.values():
        assert second["previous_hash"] == first["hash"]


async def test_calls_wait_for_those_that_are_being_written_so_a_writers_chain_never_forks(
    storage: Any, owner: Any
) -> None:
    await owner.execute("TRUNCATE engine.audit")
    one, other = await storage.start(), await storage.start()
    store = HeldStore(storage.store)
    replica = replica_on(storage, store)

    async def cancel(stored: Any) -> None:
        command = CancelWorkflow(storage.now(), "ann", "")
        await replica.committer.submit(Asked(stored.key, command, audit=storage.audit_row()))

    async with asyncio.TaskGroup() as group:
        first = group.create_task(cancel(one))
        batch = group.create_task(replica.committer.step())
        await store.under_way.wait()
        store.under_way.clear()
        second = group.create_task(cancel(other))
        await group.create_task(replica.committer.step())
        assert not store.under_way.is_set(), "the second call is not written beside the first"
        store.go_on.set()
        await batch
        await replica.commit_all(first, second)

    numbers = await owner.fetch("SELECT number FROM engine.audit ORDER BY number")
    assert [row["number"] for row in numbers] == [1, 2, 3, 4]
