"""Follows all streams from now on, as a member of no group: what is missed is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from archwright.errors import DependencyUnavailable
from archwright.events.entries import Received, group_of, read_entry
from archwright.events.streams import PARTITIONS, stream_of

WAIT_SECONDS = 1.0
_ANSWER_SECONDS_MAX = 5.0
_ENTRIES_MAX = 100


class RedisTail:
    """One reader. It waits for less than any of our clients gives Redis to answer."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._after: dict[Any, Any] = {}

    async def read(self) -> Sequence[Received]:
        """Return what was published since the last call, the first time from now on; wait a little for something."""
        try:
            async with asyncio.timeout(WAIT_SECONDS + _ANSWER_SECONDS_MAX):
                if not self._after:
                    self._after = await self._now()
                found = await self._client.xread(self._after, _ENTRIES_MAX, int(WAIT_SECONDS * 1000))
        except (RedisError, OSError, TimeoutError) as error:
            # Redis may come back with other numbers than it left with.
            self._after = {}
            raise DependencyUnavailable(
                f"The event bus is not followed: {error or type(error).__name__}. Those who watch are a little late.",
                facts={"dependency": "redis"},
            ) from error
        seen: list[Received] = []
        batches: dict[Any, Any] = dict(found or {})
        for stream, batch in batches.items():
            self._after[stream] = batch[-1][0]
            for _, fields in batch:
                if not group_of(fields):
                    seen.extend(read_entry(fields))
        return seen

    def rest(self) -> None:
        """Begin anew with the next call: what is published meanwhile is of no interest."""
        self._after = {}

    async def _now(self) -> dict[Any, Any]:
        """Return the number of the newest entry of each stream."""
        looking = self._client.pipeline(transaction=False)
        for partition in range(PARTITIONS):
            looking.xrevrange(stream_of(partition), count=1)
        newest: Sequence[Any] = await looking.execute()
        return {
            stream_of(partition).encode(): found[0][0] if found else b"0-0" for partition, found in enumerate(newest)
        }
