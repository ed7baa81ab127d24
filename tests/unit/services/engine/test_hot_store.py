"""A store with hot copies: they save a read, and never decide what must be certain."""

from __future__ import annotations

from storages import MemoryStorage

from archwright import ids
from services.engine.domain.transitions import WorkflowStatus
from services.engine.hot_store import HotStore
from services.engine.ports.store import Stored
from services.engine.storage.memory.hot_copies import MemoryHotCopies


async def with_a_copy_that_is_behind() -> tuple[MemoryStorage, HotStore, Stored]:
    storage, copies = MemoryStorage(), MemoryHotCopies()
    copied = await storage.start()
    await copies.write([copied])
    await storage.commit(storage.cancelling(copied))
    return storage, HotStore(storage.store, copies), copied


async def test_a_copy_is_read_instead_of_the_store() -> None:
    _, hot, copied = await with_a_copy_that_is_behind()

    assert await hot.load([copied.key]) == {copied.key: copied}


async def test_what_must_be_certain_is_read_from_the_store() -> None:
    _, hot, copied = await with_a_copy_that_is_behind()

    found = await hot.load([copied.key], certain=True)

    assert found[copied.key].workflow.status is WorkflowStatus.CANCELLED


async def test_a_copy_that_lost_a_race_is_passed_over_once() -> None:
    storage, hot, copied = await with_a_copy_that_is_behind()
    [written] = await hot.commit(ids.new_uuid(), [storage.cancelling(copied)])

    found = await hot.load([copied.key])

    assert written.verdict == "lost"
    assert found[copied.key].version == copied.version + 1


async def test_a_lost_copy_is_no_loss() -> None:
    storage = MemoryStorage()
    stored = await storage.start()

    assert await HotStore(storage.store, MemoryHotCopies()).load([stored.key]) == {stored.key: stored}


async def test_an_older_state_is_not_copied_over_a_newer() -> None:
    storage, copies = MemoryStorage(), MemoryHotCopies()
    older = await storage.start()
    await storage.commit(storage.cancelling(older))
    newer = await storage.load(older.key)

    await copies.write([newer])
    await copies.write([older])

    assert await copies.read([older.key]) == {older.key: newer}
