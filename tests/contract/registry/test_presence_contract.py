"""What every Presence does, in memory and in a real Valkey, and what a replica does while there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from archwright import ids
from services.bus.redis import writer
from services.chassis.clock import ManualClock, SystemClock
from services.registry.domain.agent import Heartbeat, Key, Load, Status
from services.registry.ports import Presence
from services.registry.presence import OWN_TURNS_MAX, TURN_SECONDS, MemoryPresence, RedisPresence

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST, SECOND = Key("acme", "a1"), Key("platform", "a1")


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


@pytest.fixture(params=["memory", "valkey"])
def presence(request: pytest.FixtureRequest, client: Redis) -> Presence:
    if request.param == "memory":
        return MemoryPresence(SystemClock(), keep_seconds=30)
    return RedisPresence(client, SystemClock(), keep_seconds=30)


def beat(key: Key, count: int) -> Heartbeat:
    return Heartbeat(key, Status.ONLINE, count, NOON)


async def test_the_newest_word_of_each_agent_is_told(presence: Presence) -> None:
    await presence.tell([beat(FIRST, 1), beat(SECOND, 7)])
    await presence.tell([beat(FIRST, 2)])

    assert await presence.loads([FIRST, SECOND, Key("acme", "never")]) == {FIRST: Load(2, NOON), SECOND: Load(7, NOON)}


async def test_of_nobody_nothing_is_asked(presence: Presence) -> None:
    assert await presence.loads([]) == {}


async def test_turns_of_a_queue_follow_each_other(presence: Presence) -> None:
    queue = ids.show("req", ids.new_uuid())
    first = await presence.next_turn(queue)

    assert [await presence.next_turn(queue) for _ in range(3)] == [first + 1, first + 2, first + 3]
    assert await presence.next_turn(queue + ";zone=eu") <= first


async def test_what_was_flushed_is_back_with_the_next_heartbeat(client: Redis) -> None:
    presence = RedisPresence(client, SystemClock(), keep_seconds=30)
    await presence.tell([beat(FIRST, 1)])
    await client.flushall()
    assert await presence.loads([FIRST]) == {}

    await presence.tell([beat(FIRST, 1)])

    assert await presence.loads([FIRST]) == {FIRST: Load(1, NOON)}


async def test_two_replicas_share_what_they_hear_and_whose_turn_it_is(client: Redis) -> None:
    one, other = (RedisPresence(client, SystemClock(), keep_seconds=30) for _ in range(2))
    queue = ids.show("req", ids.new_uuid())
    await one.tell([beat(FIRST, 3)])

    assert await other.loads([FIRST]) == {FIRST: Load(3, NOON)}
    assert (await one.next_turn(queue), await other.next_turn(queue)) == (1, 2)


async def test_whatever_callers_ask_for_the_counters_of_turns_are_short_and_end_by_themselves(client: Redis) -> None:
    presence = RedisPresence(client, SystemClock(), keep_seconds=30)
    await client.flushall()

    await presence.next_turn("acme/;zone=" + "x" * 10_000)

    [counter] = [key async for key in client.scan_iter("archwright:turn:*")]
    assert len(counter) < 64
    assert 0 < await client.ttl(counter) <= TURN_SECONDS


async def test_one_process_counts_the_turns_of_so_many_queues_only() -> None:
    presence = MemoryPresence(ManualClock(), keep_seconds=30)

    assert [await presence.next_turn(f"q{n}") for n in range(OWN_TURNS_MAX + 1)] == [1] * (OWN_TURNS_MAX + 1)
    assert await presence.next_turn("q0") == 1  # it was forgotten


async def test_while_redis_is_away_there_is_no_fresh_word_and_each_counts_turns_for_itself() -> None:
    clock = ManualClock()
    client = writer("unix:///nowhere/redis.sock")
    presence = RedisPresence(client, clock, keep_seconds=30)

    await presence.tell([beat(FIRST, 1)])

    assert await presence.loads([FIRST]) == {}
    assert [await presence.next_turn("q") for _ in range(2)] == [1, 2]
    await client.aclose()


async def test_a_word_in_memory_ends_by_itself() -> None:
    clock = ManualClock()
    presence = MemoryPresence(clock, keep_seconds=30)
    await presence.tell([beat(FIRST, 1)])
    await clock.wind(31)

    assert await presence.loads([FIRST]) == {}
