"""What every Hints promises, in memory and over a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from archwright import ids
from archwright.errors import DependencyUnavailable
from services.bus.redis import writer
from services.engine.ports.hints import Hint, Hints
from services.engine.storage.hints import CHANNEL, RedisHints
from services.engine.storage.memory.hints import HintBoard, MemoryHints

WAITING = Hint(frozenset({("acme", "writer"), ("acme", "capability:pricing@^1.2;zone=eu")}))
ENDED = Hint(ended=frozenset({"task_1"}))


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


@pytest.fixture(params=["memory", "valkey"])
def replicas(request: pytest.FixtureRequest, client: Redis) -> tuple[Hints, Hints]:
    if request.param == "memory":
        board = HintBoard()
        return MemoryHints(board), MemoryHints(board)
    return RedisHints(client, ids.new_uuid()), RedisHints(client, ids.new_uuid())


async def test_what_one_tells_the_others_hear_in_order_and_it_does_not(replicas: tuple[Hints, Hints]) -> None:
    one, other = replicas
    async with asyncio.timeout(10), one.listen() as at_home, other.listen() as heard:
        await one.tell(WAITING)
        await one.tell(ENDED)
        assert [await anext(heard), await anext(heard)] == [WAITING, ENDED]

        await other.tell(ENDED)
        assert await anext(at_home) == ENDED, "its own did not come back before"


async def test_telling_nobody_is_no_error(replicas: tuple[Hints, Hints]) -> None:
    await replicas[0].tell(WAITING)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"from": "x"}',
        b'{"from": "x", "queues": [["acme"]], "ended": []}',
        b'{"from": "x", "queues": [[1, 2]], "ended": []}',
        b'{"from": "x", "queues": [], "ended": [{"a": 1}]}',
        b'{"from": "x", "queues": [["a", "' + b"q" * 2_000 + b'"]], "ended": []}',
    ],
)
async def test_what_makes_no_sense_is_not_heard_and_what_follows_is(client: Redis, garbage: bytes) -> None:
    one, other = RedisHints(client, ids.new_uuid()), RedisHints(client, ids.new_uuid())
    async with asyncio.timeout(10), other.listen() as heard:
        await client.publish(CHANNEL, garbage)
        await one.tell(ENDED)

        assert await anext(heard) == ENDED


async def test_without_redis_nothing_is_told_or_heard_and_that_is_said() -> None:
    client = writer("unix:///nowhere/redis.sock")
    hints = RedisHints(client, ids.new_uuid())

    with pytest.raises(DependencyUnavailable, match="each looks for itself"):
        await hints.tell(WAITING)
    with pytest.raises(DependencyUnavailable):
        async with hints.listen():
            pass
    await client.aclose()
