"""What a store promises of a workflow that is written with its row held."""

from __future__ import annotations

import asyncio

import pytest
from storages import Storage, new_key

from archwright import ids
from archwright.errors import InternalFault
from services.engine.ports.store import Entry, Indigestible, Stored


async def test_what_is_composed_rests_on_the_last_commit_and_is_written(storage: Storage) -> None:
    stored = await storage.start()
    await storage.commit(storage.signalling(stored, "before"))

    async def compose(current: Stored | None) -> Entry | None:
        assert current == await storage.load(stored.key)
        return storage.signalling(current, "mine")

    written = await storage.store.commit_alone(ids.new_uuid(), stored.key, compose)

    assert written is not None
    assert written.verdict == "won"
    after = await storage.load(stored.key)
    assert (after.version, after.head_hash) == (stored.version + 2, written.head_hash)


async def test_a_commit_that_comes_meanwhile_loses_and_others_win(storage: Storage) -> None:
    stored, other = await storage.start(), await storage.start()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def compose(current: Stored | None) -> Entry | None:
        begun.set()
        await go_on.wait()
        assert current is not None
        return storage.signalling(current, "mine")

    async with asyncio.TaskGroup() as group:
        group.create_task(storage.store.commit_alone(ids.new_uuid(), stored.key, compose))
        await begun.wait()
        meanwhile = await storage.commit(storage.signalling(stored, "late"), storage.signalling(other, "beside"))
        go_on.set()

    assert [written.verdict for written in meanwhile] == ["lost", "won"]
    assert (await storage.load(stored.key)).version == stored.version + 1


@pytest.mark.parametrize("ending", ["nothing", "failure"])
async def test_nothing_is_written_and_the_row_is_free_again_where_there_is_nothing_to_write(
    storage: Storage, ending: str
) -> None:
    stored = await storage.start()

    async def compose(_: Stored | None) -> Entry | None:
        if ending == "failure":
            raise InternalFault("this cannot be decided")
        return None

    if ending == "failure":
        with pytest.raises(InternalFault):
            await storage.store.commit_alone(ids.new_uuid(), stored.key, compose)
    else:
        assert await storage.store.commit_alone(ids.new_uuid(), stored.key, compose) is None

    [written] = await storage.commit(storage.signalling(stored, "after"))
    assert written.verdict == "won"


async def test_of_a_workflow_that_is_not_there_nothing_is_composed_upon(storage: Storage) -> None:
    seen: list[Stored | None] = []

    async def compose(current: Stored | None) -> Entry | None:
        seen.append(current)
        return None

    assert await storage.store.commit_alone(ids.new_uuid(), new_key(), compose) is None
    assert seen == [None]


async def test_a_batch_that_was_settled_as_never_happened_can_not_happen_alone_either(storage: Storage) -> None:
    stored, batch_id = await storage.start(), ids.new_uuid()
    assert await storage.store.settle(batch_id) is None

    async def compose(current: Stored | None) -> Entry | None:
        assert current is not None
        return storage.signalling(current, "mine")

    with pytest.raises(Indigestible):
        await storage.store.commit_alone(batch_id, stored.key, compose)

    assert await storage.load(stored.key) == stored
