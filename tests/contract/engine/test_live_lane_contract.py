"""What every live lane promises, in memory and over a real Valkey."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from archwright import ids
from services.bus.redis import writer
from services.engine.live import ChunkTold, ProgressTold, TaskHanded, Told
from services.engine.ports.keys import Key
from services.engine.ports.live_lane import Listening, LiveLane
from services.engine.storage.live_lane import RedisLiveLane
from services.engine.storage.memory.live_lane import LaneBoard, MemoryLiveLane

WATCHED, OTHER = Key("acme", "wf_1"), Key("acme", "wf_2")
Join = Callable[[], LiveLane]


@pytest.fixture(params=["memory", "valkey"])
async def join(request: pytest.FixtureRequest, valkey: str) -> AsyncIterator[Join]:
    if request.param == "memory":
        board = LaneBoard()
        yield lambda: MemoryLiveLane(board)
        return
    client, key = writer(valkey), os.urandom(32)
    yield lambda: RedisLiveLane(client, key, ids.new_uuid())
    await client.aclose()


def progress(key: Key = WATCHED, percent: float = 40.0) -> ProgressTold:
    return ProgressTold(key, "task_1", "draft", "writer", "w1", 1, percent, "thinking")


async def until_heard(lane: LiveLane, listening: Listening, told: Told) -> Told:
    """Tell it again and again until it is heard: who has just begun to listen may miss the first."""
    async with asyncio.timeout(10):
        while True:
            await lane.tell([told])
            if (heard := await listening.next()) is not None:
                return heard


@pytest.mark.parametrize(
    "told",
    [
        progress(),
        ChunkTold(WATCHED, "task_1", "draft", "writer", "w1", 2, 7, b"\x00\xff once upon"),
        TaskHanded(WATCHED, "task_1", "draft", "writer", "w1", 3),
    ],
    ids=lambda told: type(told).__name__,
)
async def test_what_one_replica_tells_another_hears_as_it_was(join: Join, told: Told) -> None:
    mine, other = join(), join()
    async with other.listen() as listening:
        await listening.want([WATCHED])
        assert await until_heard(mine, listening, told) == told


async def test_nobody_hears_of_what_is_not_watched_and_the_teller_learns_that(join: Join) -> None:
    mine, other = join(), join()
    async with other.listen() as listening:
        await listening.want([WATCHED])
        await until_heard(mine, listening, progress())

        assert await mine.tell([progress(), progress(OTHER)]) == {OTHER}
        await listening.want([OTHER])
        await until_heard(mine, listening, progress(OTHER))
        assert await mine.tell([progress(OTHER)]) == set()


async def test_ones_own_words_do_not_come_back(join: Join) -> None:
    mine, other = join(), join()
    async with mine.listen() as listening:
        await listening.want([WATCHED])
        assert await until_heard(other, listening, progress(percent=1)) == progress(percent=1)
        while await listening.next() is not None:
            pass

        assert await mine.tell([progress()]) == {WATCHED}
        assert await listening.next() is None


async def test_a_message_in_another_channel_or_of_a_stranger_is_dropped(valkey: str) -> None:
    client: Redis = writer(valkey)
    key = os.urandom(32)
    mine, stranger, spied = (RedisLiveLane(client, secret, ids.new_uuid()) for secret in (key, os.urandom(32), key))
    async with client.pubsub() as spy, mine.listen() as listening:
        await spy.subscribe("archwright:live:acme:wf_2")
        await listening.want([WATCHED])
        async with asyncio.timeout(10):
            while (message := await spy.get_message(ignore_subscribe_messages=True, timeout=0.1)) is None:
                await spied.tell([progress(OTHER)])
        assert b"thinking" not in message["data"]
        await until_heard(spied, listening, progress())
        while await listening.next() is not None:
            pass

        await client.publish("archwright:live:acme:wf_1", message["data"])
        await client.publish("archwright:live:acme:wf_1", b"hello")
        await stranger.tell([progress()])
        await spied.tell([progress(percent=99)])

        async with asyncio.timeout(10):
            while (heard := await listening.next()) is None:
                pass
        assert heard == progress(percent=99)
    await client.aclose()
