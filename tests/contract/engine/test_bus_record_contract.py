"""What every record of the bus promises, on PostgreSQL and in memory."""

from __future__ import annotations

from datetime import timedelta

from event_letters import of_event
from storages import TENANT, Storage

from services.bus.port import Standing
from services.engine.ports.dead_letters import Ending, LetterRow, LetterState


def standing(group: str, behind_seconds: float = 0.0) -> Standing:
    return Standing(group, behind_seconds, 0, 0, is_whole=True)


async def redriven(storage: Storage, event_id: str) -> LetterRow:
    """Return a dead letter of an event that somebody redrove."""
    row = of_event(storage, event_id)
    await storage.letters.add_event_letters([row])
    ending = Ending(LetterState.REDRIVEN, "ann", storage.now())
    await storage.letters.end(row.tenant, {row.letter_id: storage.audit_row()}, ending)
    return row


async def test_one_replica_at_a_time_is_in_charge(storage: Storage) -> None:
    other = storage.another_bus_record()
    assert await storage.bus_record.take_charge(5)
    assert await storage.bus_record.take_charge(5)
    assert not await other.take_charge(5)

    await storage.age(6)

    assert await other.take_charge(5)
    assert not await storage.bus_record.take_charge(5)


async def test_nothing_is_known_at_first(storage: Storage) -> None:
    known = await storage.bus_record.known()

    assert (known.life, dict(known.groups)) == ("", {})


async def test_how_far_a_group_had_come_is_remembered_until_it_is_forgotten(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    await record.note([standing("late", 90), standing("ahead")], (await record.known()).at - timedelta(seconds=2))

    groups = (await record.known()).groups
    assert 87 < (groups["ahead"] - groups["late"]).total_seconds() < 93

    await record.forget("late")
    assert list((await record.known()).groups) == ["ahead"]


async def test_what_the_bus_may_have_lost_is_found_for_publishing_again(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    first = (await storage.start()).key
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])
    await storage.age(30)
    await record.note([standing("mine")], (await record.known()).at - timedelta(seconds=0))
    second = (await storage.start()).key
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])
    await storage.age(1)
    assert not await storage.store.publish_due(0.5)

    since = (await record.known()).groups["mine"]
    assert await record.lost("another life", since) == 1

    assert [span.key for _, spans in await storage.store.publish_due(0.5) for span in spans] == [second]
    assert first != second
    assert (await record.known()).life == "another life"


async def test_where_nobody_needs_anything_nothing_is_published_again(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    await storage.start()
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])

    assert await record.lost("another life", None) == 0
    await storage.age(1)
    assert not await storage.store.publish_due(0.5)


async def test_what_a_group_has_not_settled_is_kept_for_a_day(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    await record.note([standing("stuck")], (await record.known()).at - timedelta(seconds=10))
    await storage.start()
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])

    await storage.age(3_600)
    await storage.store.mark_published([])
    assert await record.lost("a", (await record.known()).groups["stuck"]) == 1
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])

    await storage.age(25 * 3_600)
    await storage.store.mark_published([])
    assert await record.lost("b", (await record.known()).groups["stuck"]) == 0


async def test_what_every_group_has_settled_is_not_kept(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    await storage.start()
    await storage.store.mark_published([batch for batch, _ in await storage.store.publish_due(0)])
    await storage.age(120)
    await record.note([standing("mine")], (await record.known()).at - timedelta(seconds=0))

    await storage.store.mark_published([])

    assert await record.lost("a", storage.now() - timedelta(hours=1)) == 0


async def test_what_commits_wrote_is_read_in_their_order_and_only_of_workflows_that_are_kept(storage: Storage) -> None:
    one, other = await storage.start(), await storage.start()
    await storage.commit(storage.cancelling(one))
    await storage.age(1)
    spans = [span for _, found in await storage.store.publish_due(0.5) for span in found]

    read = await storage.store.committed(spans)

    assert [(each.key, each.first_seq) for each in read] == [(span.key, span.first_seq) for span in spans]
    assert [len(each.events) for each in read] == [span.count for span in spans]
    assert {each.request_id for each in read} == {one.key.workflow_id, other.key.workflow_id}
    assert {each.plan.definition.name for each in read} == {"chain"}
    assert not await storage.store.committed([])


async def test_what_was_published_before_a_loss_is_not_noted_after_it(storage: Storage) -> None:
    await storage.bus_record.take_charge(5)
    await storage.start()
    epoch = await storage.store.bus_epoch()
    batches = [batch for batch, _ in await storage.store.publish_due(0)]
    await storage.bus_record.lost("another life", None)

    await storage.store.mark_published(batches, epoch)

    await storage.age(60)
    assert [batch for batch, _ in await storage.store.publish_due(0)] == batches
    await storage.store.mark_published(batches, await storage.store.bus_epoch())
    await storage.age(60)
    assert not await storage.store.publish_due(0)


async def test_what_somebody_redrove_is_to_be_given_again_once(storage: Storage) -> None:
    await storage.bus_record.take_charge(5)
    await storage.letters.add_event_letters([of_event(storage, "e2")])
    row = await redriven(storage, "e1")

    [due] = await storage.bus_record.redeliveries(limit=9)

    assert (due.tenant, due.letter_id, due.group) == (TENANT, row.letter_id, row.group)
    assert (due.workflow_id, due.envelope) == (row.workflow_id, row.envelope)
    await storage.bus_record.redelivered([due], (await storage.bus_record.known()).epoch)
    assert await storage.bus_record.redeliveries(limit=9) == []


async def test_what_was_redelivered_is_so_again_where_the_bus_may_have_lost_it(storage: Storage) -> None:
    record = storage.bus_record
    await record.take_charge(5)
    for event_id in ("e1", "e2"):
        newest = await redriven(storage, event_id)
        known = await record.known()
        await record.redelivered(await record.redeliveries(limit=9), known.epoch)
        await storage.age(30)

    await record.lost("a", (await record.known()).at - timedelta(seconds=45))
    assert [each.letter_id for each in await record.redeliveries(limit=9)] == [newest.letter_id]

    await record.redelivered(await record.redeliveries(limit=9), known.epoch)
    assert len(await record.redeliveries(limit=9)) == 1, "what the bus had before the loss is not noted after it"
