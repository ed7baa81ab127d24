"""What every bus promises to groups: the in-memory one, a real Valkey, and Redis 7 where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from archwright.errors import RequestInvalid
from archwright.events.redis_subscription import RedisSubscription
from archwright.events.streams import PARTITIONS, partition_of, stream_of
from archwright.events.subscription import Entry, GivenUp, Subscription
from services.bus.event import BusEvent
from services.bus.memory import MemoryBus, MemorySubscription
from services.bus.port import Publisher, Upkeep
from services.bus.redis import RedisPublisher, writer
from services.bus.redis_upkeep import RedisUpkeep
from services.chassis.clock import SystemClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SILENT_SECONDS = 0.2


@dataclass(frozen=True)
class Bus:
    publisher: Publisher
    upkeep: Upkeep
    join: Callable[..., Subscription]
    garble: Callable[[int, bytes], Any]
    lose_everything: Callable[[], Any]

    async def publish(self, *events: BusEvent) -> None:
        await self.publisher.publish(events)


@pytest.fixture(params=["memory", "valkey", "redis"])
async def bus(request: pytest.FixtureRequest, valkey: str) -> AsyncIterator[Bus]:
    if request.param == "memory":
        twin = MemoryBus()

        async def garble(partition: int, events: bytes) -> None:
            twin.add(partition, events)

        async def lose() -> None:
            twin.lose_everything()

        def join(group: str) -> Subscription:
            return MemorySubscription(twin, group, silent_seconds=SILENT_SECONDS)

        yield Bus(twin, twin, join, garble, lose)
        return
    url = request.getfixturevalue("redis_7") if request.param == "redis" else valkey
    client: Redis = writer(url)
    await client.flushall()

    async def garble_stream(partition: int, events: bytes) -> None:
        await client.xadd(stream_of(partition), {"events": events})

    def join_stream(group: str) -> Subscription:
        return RedisSubscription(client, group, silent_seconds=SILENT_SECONDS, wait_seconds=0.05)

    yield Bus(RedisPublisher(client), RedisUpkeep(client), join_stream, garble_stream, client.flushall)
    await client.aclose()


def event(workflow_id: str = "wf_1", seq: int = 1, event_type: str = "task_completed") -> BusEvent:
    return BusEvent("acme", workflow_id, seq, event_type, NOON, definition_name="order")


def ids_of(entries: list[Entry] | Any) -> list[str]:
    return [received.event_id for entry in entries for received in entry.events]


async def until_reclaimed(member: Subscription) -> list[Entry]:
    async with asyncio.timeout(10):
        while True:
            if found := list(await member.reclaim(10)):
                return found


async def behind(bus: Bus, group: str) -> float:
    survey = await bus.upkeep.survey(keep_seconds=0)
    [seconds] = [standing.behind_seconds for standing in survey.standings if standing.group == group]
    return seconds


async def test_a_member_takes_what_was_published_with_all_its_facts(bus: Bus) -> None:
    await bus.publish(event(seq=1), event(seq=2))

    [entry] = await bus.join("mine").take(10)

    assert [(received.event.seq, received.event.definition_name) for received in entry.events if received.event] == [
        (1, "order"),
        (2, "order"),
    ]


async def test_every_group_takes_everything_and_its_members_share(bus: Bus) -> None:
    await bus.publish(event("wf_1"), event("wf_2"), event("wf_3"))
    one, other, alone = bus.join("shared"), bus.join("shared"), bus.join("alone")

    shared = ids_of(await one.take(1)) + ids_of(await other.take(1)) + ids_of(await one.take(10))

    assert sorted(shared) == ["wf_1:1", "wf_2:1", "wf_3:1"]
    assert sorted(ids_of(await alone.take(10))) == ["wf_1:1", "wf_2:1", "wf_3:1"]


async def test_nothing_is_taken_where_nothing_is_published(bus: Bus) -> None:
    assert not await bus.join("mine").take(10)


async def test_what_is_settled_is_never_reclaimed(bus: Bus) -> None:
    await bus.publish(event())
    member = bus.join("mine")
    [entry] = await member.take(10)
    assert await behind(bus, "mine") >= 0

    await member.settle(entry.entry_id)
    await SystemClock().sleep(2 * SILENT_SECONDS)

    assert not await bus.join("mine").reclaim(10)
    assert await behind(bus, "mine") == 0


async def test_what_a_silent_member_took_is_reclaimed_by_another_with_what_was_noted(bus: Bus) -> None:
    await bus.publish(event(seq=1), event(seq=2), event(seq=3))
    [entry] = await bus.join("mine").take(10)
    await bus.join("mine").note(entry.entry_id, {1: 4}, [0])

    [again] = await until_reclaimed(bus.join("mine"))

    assert (again.entry_id, again.deliveries) == (entry.entry_id, 2)
    assert (dict(again.failures), again.settled) == ({1: 4}, frozenset({0}))
    assert ids_of([again]) == ["wf_1:1", "wf_1:2", "wf_1:3"]


async def test_what_a_member_says_it_keeps_is_not_reclaimed(bus: Bus) -> None:
    await bus.publish(event())
    member = bus.join("mine")
    [entry] = await member.take(10)
    other = bus.join("mine")
    async with asyncio.timeout(10):
        for _ in range(6):
            await SystemClock().sleep(SILENT_SECONDS / 4)
            await member.keep([entry.entry_id])
            assert not await other.reclaim(10)


async def test_what_is_given_up_is_put_away_as_the_entry_is_settled(bus: Bus) -> None:
    await bus.publish(event())
    member = bus.join("mine")
    [entry] = await member.take(10)
    [received] = entry.events

    await member.settle(entry.entry_id, [GivenUp("wf_1:1", received.envelope, "no such address", 12)])

    [letter] = await bus.upkeep.put_away(10)
    assert (letter.group, letter.given_up.event_id) == ("mine", "wf_1:1")
    assert (letter.given_up.error, letter.given_up.retry_count) == ("no such address", 12)
    assert letter.given_up.envelope == received.envelope
    await bus.upkeep.taken([letter])
    assert not await bus.upkeep.put_away(10)
    assert await behind(bus, "mine") == 0


async def test_what_is_redelivered_comes_to_its_group_alone(bus: Bus) -> None:
    await bus.publish(event())
    mine, other = bus.join("mine"), bus.join("other")
    [entry] = await mine.take(10)
    await other.take(10)

    await bus.upkeep.redeliver("mine", "wf_1", entry.events[0].envelope)

    assert ids_of(await mine.take(10)) == ["wf_1:1"]
    assert not await other.take(10)
    await mine.settle(entry.entry_id)
    assert await behind(bus, "mine") >= 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"hello", "is not JSON"),
        (b"{}", "no JSON array"),
        (b"[7]", "no object `data`"),
        (b'[{"data": {"workflow_id": "wf_1", "tenant": "acme", "seq": "1"}}]', "lacks event_type"),
        (b'[{"data": {"workflow_id": "wf_1", "tenant": "acme", "event_type": "x", "seq": "0"}}]', "counts from 1"),
        (b'[{"data": {"workflow_id": "wf_1", "tenant": "acme", "event_type": "x", "seq": "many"}}]', "no event"),
        (b'[{"data": {"workflow_id": "a\\u0000", "tenant": "acme", "event_type": "x", "seq": "1"}}]', "without NUL"),
        (b'[{"data": {"workflow_id": "w", "tenant": "a,b", "event_type": "x", "seq": "1"}}]', "its tenant is none"),
        (b'[{"data": {"workflow_id": 7, "tenant": "acme", "event_type": "x", "seq": "1"}}]', "no event"),
        (b'[{"data": {"workflow_id": "w", "tenant": "t", "event_type": "x", "seq": "1", "payload": [1]}}]', "no event"),
        (b'[{"data": {"workflow_id": "w", "tenant": "t", "event_type": "x", "seq": 1, "timestamp": 5}}]', "no event"),
    ],
)
async def test_what_is_no_event_says_so_and_the_others_are_read(bus: Bus, text: bytes, problem: str) -> None:
    await bus.garble(partition_of("wf_1"), text)
    await bus.publish(event())

    poisoned, sound = await bus.join("mine").take(10)

    assert poisoned.events[0].event is None
    assert problem in poisoned.events[0].problem
    assert ids_of([sound]) == ["wf_1:1"]


async def test_only_what_every_group_has_settled_is_trimmed(bus: Bus) -> None:
    ahead, back = bus.join("ahead"), bus.join("back")
    for seq in range(1, 301):
        await bus.publish(event(seq=seq))
    for member in (ahead, back):
        for entry in await member.take(300):
            if member is ahead or entry.events[0].event_id == "wf_1:1":
                await member.settle(entry.entry_id)

    await bus.upkeep.trim(await bus.upkeep.survey(keep_seconds=0))
    late = ids_of(await bus.join("late").take(300))

    # Trimming drops whole nodes, so something more may stay; nothing that is needed goes.
    assert set(late) >= {f"wf_1:{seq}" for seq in range(2, 301)}
    for entry in await until_reclaimed_all(back, 299):
        await back.settle(entry.entry_id)
    late_member = bus.join("late")
    for entry in await until_reclaimed_all(late_member, len(late)):
        await late_member.settle(entry.entry_id)
    await bus.upkeep.trim(await bus.upkeep.survey(keep_seconds=0))
    assert len(await bus.join("later").take(300)) < 150


async def until_reclaimed_all(member: Subscription, count: int) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.extend(await member.reclaim(1000))
    return found


async def test_what_is_young_is_not_trimmed_for_who_comes_later(bus: Bus) -> None:
    for seq in range(1, 301):
        await bus.publish(event(seq=seq))

    await bus.upkeep.trim(await bus.upkeep.survey(keep_seconds=60))

    assert len(await bus.join("late").take(300)) == 300


async def test_a_bus_that_lost_everything_says_so_and_groups_begin_anew(bus: Bus) -> None:
    member = bus.join("mine")
    await bus.publish(event(seq=1))
    await member.take(10)
    life = await bus.upkeep.life()
    assert await bus.upkeep.life() == life

    await bus.lose_everything()

    assert await bus.upkeep.life() != life
    await bus.publish(event(seq=2))
    async with asyncio.timeout(10):
        while not (found := await member.take(10)):
            pass
    assert ids_of(found) == ["wf_1:2"]


async def test_a_group_that_is_restored_misses_nothing_that_came_meanwhile(bus: Bus) -> None:
    await bus.publish(event(seq=1))
    await bus.upkeep.restore("mine")
    await bus.publish(event(seq=2))

    [standing] = (await bus.upkeep.survey(keep_seconds=0)).standings

    assert (standing.group, standing.is_whole, standing.waiting) == ("mine", True, 2)
    assert ids_of(await bus.join("mine").take(10)) == ["wf_1:1", "wf_1:2"]


async def test_a_group_that_is_forgotten_holds_nothing_back(bus: Bus) -> None:
    await bus.publish(event())
    await bus.join("gone").take(10)

    await bus.upkeep.forget("gone")

    assert not (await bus.upkeep.survey(keep_seconds=0)).standings


async def test_a_group_that_one_partition_lost_is_not_whole_and_nothing_is_trimmed_there(bus: Bus) -> None:
    await bus.join("mine").take(1)
    await bus.upkeep.restore("other")
    survey = await bus.upkeep.survey(keep_seconds=0)
    assert all(standing.is_whole for standing in survey.standings)
    assert len([number for number in survey.trimmable if number]) == PARTITIONS


@pytest.mark.parametrize("name", ["", "Mine", "a b", "x" * 65, "a\n", "{0}"])
async def test_a_group_has_a_proper_name(bus: Bus, name: str) -> None:
    with pytest.raises(RequestInvalid, match="name of a group"):
        bus.join(name)


async def test_who_leaves_with_something_pending_leaves_it_to_others(bus: Bus) -> None:
    await bus.publish(event())
    member = bus.join("mine")
    await member.take(10)

    await member.leave()

    assert ids_of(await until_reclaimed(bus.join("mine"))) == ["wf_1:1"]
