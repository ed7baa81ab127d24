"""What every Store promises about commits whose answer was lost, on PostgreSQL and in memory."""

from __future__ import annotations

import pytest
from storages import Storage, new_key

from archwright import ids
from services.engine.ports.store import Indigestible


async def test_a_lost_answer_to_a_commit_is_settled_by_the_batchs_own_row(storage: Storage) -> None:
    key, batch_id = new_key(), ids.new_uuid()
    await storage.store.commit(batch_id, [storage.beginning(key)])

    assert list(await storage.store.settle(batch_id) or ()) == [key]


async def test_losers_are_not_among_those_who_won(storage: Storage) -> None:
    lost, won, batch_id = await storage.start(), await storage.start(), ids.new_uuid()
    await storage.commit(storage.cancelling(lost))
    await storage.store.commit(batch_id, [storage.cancelling(lost), storage.cancelling(won)])

    assert list(await storage.store.settle(batch_id) or ()) == [won.key]


async def test_a_commit_in_which_nobody_won_happened_all_the_same(storage: Storage) -> None:
    lost, batch_id = await storage.start(), ids.new_uuid()
    await storage.commit(storage.cancelling(lost))
    await storage.store.commit(batch_id, [storage.cancelling(lost)])

    assert list(await storage.store.settle(batch_id) or ()) == []


async def test_a_commit_that_never_happened_never_can_once_it_is_settled(storage: Storage) -> None:
    key, batch_id = new_key(), ids.new_uuid()

    assert await storage.store.settle(batch_id) is None

    with pytest.raises(Indigestible):
        await storage.store.commit(batch_id, [storage.beginning(key)])
    assert not await storage.store.load([key])


async def test_settling_may_be_repeated(storage: Storage) -> None:
    key, happened, never = new_key(), ids.new_uuid(), ids.new_uuid()
    await storage.store.commit(happened, [storage.beginning(key)])
    await storage.store.settle(never)

    assert list(await storage.store.settle(happened) or ()) == [key]
    assert list(await storage.store.settle(happened) or ()) == [key]
    assert not await storage.store.settle(never)


async def test_what_was_settled_as_never_happened_is_not_published(storage: Storage) -> None:
    await storage.store.settle(ids.new_uuid())
    await storage.age(60)

    assert not await storage.store.publish_due(1)
