"""What every Store promises about commits that nobody published, on PostgreSQL and in memory."""

from __future__ import annotations

from storages import Storage

from archwright import ids


async def test_a_commit_that_nobody_published_is_found_with_the_events_it_wrote(storage: Storage) -> None:
    stored = await storage.start()
    await storage.age(1)

    [(_, [span])] = await storage.store.publish_due(0.5)

    assert (span.key, span.first_seq, span.count) == (stored.key, 1, stored.workflow.last_seq)


async def test_a_later_commit_is_found_with_its_own_events_only(storage: Storage) -> None:
    stored = await storage.start()
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])
    await storage.commit(storage.cancelling(stored))
    await storage.age(1)

    [(_, [span])] = await storage.store.publish_due(0.5)

    assert span.first_seq == stored.workflow.last_seq + 1


async def test_a_young_commit_is_left_to_whoever_wrote_it(storage: Storage) -> None:
    await storage.start()

    assert not await storage.store.publish_due(60)


async def test_whoever_finds_a_commit_has_it_for_a_while_and_no_longer(storage: Storage) -> None:
    await storage.start()
    await storage.age(1)

    [(batch_id, _)] = await storage.store.publish_due(0.5)
    assert not await storage.store.publish_due(0.5)

    await storage.age(60)
    assert [again for again, _ in await storage.store.publish_due(0.5)] == [batch_id]


async def test_what_was_published_is_found_no_more(storage: Storage) -> None:
    await storage.start()
    await storage.age(1)
    [(batch_id, _)] = await storage.store.publish_due(0.5)

    await storage.store.mark_published([batch_id])
    await storage.age(60)

    assert not await storage.store.publish_due(0.5)


async def test_the_oldest_commit_is_published_first(storage: Storage) -> None:
    keys = []
    for _ in range(3):
        keys.append((await storage.start()).key)
        await storage.age(1)

    due = await storage.store.publish_due(0.5)

    assert [span.key for _, spans in due for span in spans] == keys


async def test_noting_what_is_unknown_does_no_harm(storage: Storage) -> None:
    await storage.store.mark_published([ids.new_uuid()])
    await storage.store.mark_published([])
