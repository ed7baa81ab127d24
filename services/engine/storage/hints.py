"""Hints between replicas over Redis: published, never kept, and never trusted beyond what is looked up after them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from archwright import ids
from archwright.errors import DependencyUnavailable
from services.engine.ports.hints import Hint

log = structlog.get_logger(__name__)

CHANNEL = "archwright:engine:hints"
_TELL_SECONDS_MAX = 1.0
_LISTEN_SECONDS = 1.0
_NAMED_MAX = 1_000
_TEXT_LENGTH_MAX = 1_000


class RedisHints:
    """The hints of one replica."""

    def __init__(self, client: Redis, replica_id: uuid.UUID) -> None:
        self._client = client
        self._replica = ids.show("replica", replica_id)

    async def tell(self, hint: Hint) -> None:
        """Tell all others; raises DependencyUnavailable where that cannot be done just now."""
        told = {"from": self._replica, "queues": sorted(hint.queues), "ended": sorted(hint.ended)}
        try:
            async with asyncio.timeout(_TELL_SECONDS_MAX):
                await self._client.publish(CHANNEL, orjson.dumps(told))
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Hint]]:
        """Hear what others tell from now on; raises DependencyUnavailable where, or once, that cannot be done."""
        try:
            async with self._client.pubsub() as listening:
                await listening.subscribe(CHANNEL)
                yield self._heard(listening)
        except (RedisError, OSError) as error:
            raise _away(error) from error

    async def _heard(self, listening: Any) -> AsyncIterator[Hint]:
        while True:
            message = await listening.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS)
            hint = None if message is None else self._read(message["data"])
            if hint is not None:
                yield hint

    def _read(self, data: bytes | str) -> Hint | None:
        """Return what another replica told; nothing of our own, or of what makes no sense."""
        try:
            told = orjson.loads(data)
            if told["from"] == self._replica:
                return None
            queues = frozenset((_text(tenant), _text(queue)) for tenant, queue in told["queues"][:_NAMED_MAX])
            return Hint(queues, frozenset(map(_text, told["ended"][:_NAMED_MAX])))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            log.warning("hint_not_understood", length=len(data))
            return None


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_LENGTH_MAX:
        raise ValueError("not a short text")
    return value


def _away(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"Replicas cannot tell each other what waits: {error or type(error).__name__}. Work goes on; each looks for "
        "itself every moment.",
        facts={"dependency": "redis"},
    )
