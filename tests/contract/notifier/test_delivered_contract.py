"""What every Delivered does, in memory and in a real Valkey, and what is said where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from archwright.errors import DependencyUnavailable
from services.bus.redis import writer
from services.chassis.clock import ManualClock, SystemClock
from services.notifier.delivered import KEEP_SECONDS, Delivered, Delivery, MemoryDelivered, RedisDelivered

DONE = Delivery("wf_1:7", "what failed", "mail")


@pytest.fixture
async def client(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


@pytest.fixture(params=["memory", "valkey"])
def delivered(request: pytest.FixtureRequest, client: Redis) -> Delivered:
    if request.param == "memory":
        return MemoryDelivered(SystemClock())
    return RedisDelivered(client)


async def test_what_was_noted_is_known(delivered: Delivered) -> None:
    assert not await delivered.has(DONE)

    await delivered.note(DONE)
    await delivered.note(DONE)

    assert await delivered.has(DONE)


@pytest.mark.parametrize(
    "other",
    [
        Delivery("wf_1:8", "what failed", "mail"),
        Delivery("wf_1:7", "what failed", "hook"),
        Delivery("wf_1:7", "others", "mail"),
        Delivery("wf_1:7", "what", "failed mail"),
    ],
)
async def test_an_event_a_rule_and_a_channel_are_told_apart(delivered: Delivered, other: Delivery) -> None:
    await delivered.note(DONE)

    assert not await delivered.has(other)


async def test_a_note_in_valkey_ends_after_a_day(client: Redis) -> None:
    await RedisDelivered(client).note(DONE)

    [key] = await client.keys("*")
    assert KEEP_SECONDS - 60 < await client.ttl(key) <= KEEP_SECONDS == 86_400


async def test_a_note_in_memory_ends_after_a_day() -> None:
    clock = ManualClock()
    delivered = MemoryDelivered(clock)
    await delivered.note(DONE)

    await clock.wind(KEEP_SECONDS - 1)
    assert await delivered.has(DONE)
    await clock.wind(1)
    assert not await delivered.has(DONE)


async def test_without_redis_it_is_said_so(tmp_path: Path) -> None:
    client = writer(f"unix://{tmp_path}/nobody")
    delivered = RedisDelivered(client)

    with pytest.raises(DependencyUnavailable, match="Redis did not tell what was delivered"):
        await delivered.has(DONE)
    with pytest.raises(DependencyUnavailable):
        await delivered.note(DONE)
    await client.aclose()
