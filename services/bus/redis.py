"""The bus on Redis Streams, publish side.

A publication that gets no answer may have happened, so it is never repeated here: the engine publishes the whole
commit again, and subscribers drop what they have seen. Commands are those of Redis 7.0 and Valkey 8 alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from archwright.errors import DependencyUnavailable
from archwright.events.streams import CONTENT_TYPE, stream_of
from services.bus.batches import entries
from services.bus.event import BusEvent

PUBLISH_SECONDS_MAX = 2.0
CONNECT_SECONDS_MAX = 1.0
ANSWER_SECONDS_MAX = 1.5


def writer(url: str) -> Redis:
    """Return a client for writing: it gives up early and repeats nothing by itself.

    `url` is `redis://host:port/0`, `rediss://…` or `unix:///path/to/socket`.
    """
    return Redis.from_url(
        url,
        protocol=3,
        legacy_responses=False,
        socket_connect_timeout=CONNECT_SECONDS_MAX,
        socket_timeout=ANSWER_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class RedisPublisher:
    """Publishes to the streams `archwright:events:{0}` to `archwright:events:{15}`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def publish(self, events: Sequence[BusEvent]) -> None:
        """Publish `events` in one round trip; see the port for what is promised."""
        if not events:
            return
        pipeline = self._client.pipeline(transaction=False)
        for partition, batch in entries(events):
            pipeline.xadd(stream_of(partition), {"content_type": CONTENT_TYPE, "events": batch})
        try:
            async with asyncio.timeout(PUBLISH_SECONDS_MAX):
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise DependencyUnavailable(
                f"The event bus did not take {len(events)} events: {error or type(error).__name__}. Work goes on; "
                "they are published once Redis answers. Check `redis_url` if it never does.",
                facts={"dependency": "redis"},
            ) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
