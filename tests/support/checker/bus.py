"""Reads from the bus what it was told."""

from __future__ import annotations

import orjson

from services.bus.port import PARTITIONS, stream_of
from services.bus.redis import writer


async def published(redis_url: str) -> list[tuple[str, int]]:
    """Return workflow and seq of every event on the bus, partition by partition in its order there."""
    client = writer(redis_url)
    try:
        found: list[tuple[str, int]] = []
        for partition in range(PARTITIONS):
            for _, fields in await client.xrange(stream_of(partition)):
                found += [
                    (envelope["data"]["workflow_id"], int(envelope["seq"]))
                    for envelope in orjson.loads(fields[b"events"])
                ]
        return found
    finally:
        await client.aclose()
