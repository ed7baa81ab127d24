"""A group that vanishes at any moment of a member's work is made anew, and ends nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from redis.asyncio import Redis

from archwright.errors import DependencyUnavailable
from archwright.events.redis_subscription import RedisSubscription
from services.bus.event import BusEvent
from services.bus.redis import RedisPublisher, writer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_a_redis_that_is_emptied_again_and_again_ends_no_member(valkey: str) -> None:
    client: Redis = writer(valkey)
    publisher = RedisPublisher(client)
    member = RedisSubscription(client, "mine", wait_seconds=0.001, silent_seconds=0.0)
    is_over = asyncio.Event()

    async def empty() -> None:
        while not is_over.is_set():
            await client.flushall()
            await publisher.publish(
                [BusEvent("acme", f"wf_{number}", 1, "task_completed", NOON) for number in range(8)]
            )

    async def work() -> None:
        try:
            for _ in range(150):
                for entry in [*await member.take(4), *await member.reclaim(4)]:
                    await member.note(entry.entry_id, {0: 1}, [])
                    await member.keep([entry.entry_id])
                    await member.settle(entry.entry_id)
        finally:
            is_over.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(empty())
        group.create_task(work())
    try:
        await member.leave()
    except DependencyUnavailable:
        raise AssertionError("Redis was there all the time") from None
    await client.aclose()
