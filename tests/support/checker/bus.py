"""Reads from Redis what it was told: events on the bus, and hot copies; and lets it forget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from checker.facts import CopyFacts, Published
from services.bus.port import PARTITIONS, stream_of
from services.bus.redis import writer
from services.engine.ports.keys import Key

_PAUSE_MS = 3_000


async def published(redis_url: str) -> list[Published]:
    """Return every event on the bus, partition by partition in its order there."""
    client = writer(redis_url)
    try:
        return _events([await client.xrange(stream_of(partition)) for partition in range(PARTITIONS)])
    finally:
        await client.aclose()


async def published_last(redis_url: str) -> list[Published]:
    """Let Redis take no more for a moment, in which somebody is to end it, and return every event that it took.

    While its files are being synced, Redis answers before it has written: killed, it forgets up to its last two
    seconds.
    """
    client = writer(redis_url)
    try:
        await client.client_pause(_PAUSE_MS, all=False)
    finally:
        await client.aclose()
    return await published(redis_url)


async def emptied(redis_url: str) -> list[Published]:
    """Let Redis lose everything, and return the events that were on the bus at that moment."""
    client = writer(redis_url)
    try:
        losing = client.pipeline(transaction=True)
        for partition in range(PARTITIONS):
            losing.xrange(stream_of(partition))
        *streams, _ = await losing.flushall().execute()
        return _events(streams)
    finally:
        await client.aclose()


async def copies(redis_url: str) -> list[CopyFacts]:
    """Return the hot copies as whoever reaches Redis sees them."""
    client = writer(redis_url)
    try:
        found: list[CopyFacts] = []
        async for name in client.scan_iter(match="archwright:hot:*"):
            _, _, tenant, workflow_id = name.decode().split(":")
            if (text := await client.hget(name, "copy")) is not None:
                found.append(CopyFacts(Key(tenant, workflow_id), text=text))
        return found
    finally:
        await client.aclose()


def _events(streams: Iterable[Any]) -> list[Published]:
    return [
        Published(envelope["data"]["workflow_id"], int(envelope["seq"]), envelope["tenant"])
        for entries in streams
        for _, fields in entries
        for envelope in orjson.loads(fields[b"events"])
    ]
