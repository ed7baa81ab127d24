"""What has been delivered already: in Redis for all replicas, and a twin in memory.

A marker is written after the delivery, so that a crash between the two repeats a message and loses none.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from archwright.errors import DependencyUnavailable
from services.chassis.clock import Clock

KEEP_SECONDS: Final = 86_400
"""As long as the bus keeps events."""
ANSWER_SECONDS_MAX: Final = 2.0
_SWEEP_FROM: Final = 10_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event, told by one rule through one channel."""

    event_id: str
    rule: str
    channel: str


class Delivered(Protocol):
    """Remembers deliveries for a day. Everything raises DependencyUnavailable when it does not answer."""

    async def has(self, delivery: Delivery) -> bool:
        """Return whether this was noted in the last day."""
        ...

    async def note(self, delivery: Delivery) -> None:
        """Remember that this was delivered; noting it again changes nothing."""
        ...


class RedisDelivered:
    """The Delivered of all replicas."""

    def __init__(self, client: Redis, *, keep_seconds: int = KEEP_SECONDS) -> None:
        self._client = client
        self._keep_seconds = keep_seconds

    async def has(self, delivery: Delivery) -> bool:
        """Return whether this was noted in the last day."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return bool(await self._client.exists(_key(delivery)))
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error

    async def note(self, delivery: Delivery) -> None:
        """Remember that this was delivered; noting it again changes nothing."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await self._client.set(_key(delivery), b"1", nx=True, ex=self._keep_seconds)
        except (RedisError, OSError, TimeoutError) as error:
            raise _away(error) from error


class MemoryDelivered:
    """The Delivered of one process."""

    def __init__(self, clock: Clock, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._until: dict[Delivery, float] = {}

    async def has(self, delivery: Delivery) -> bool:
        """Return whether this was noted in the last day."""
        return self._until.get(delivery, 0.0) > self._clock.monotonic()

    async def note(self, delivery: Delivery) -> None:
        """Remember that this was delivered; noting it again changes nothing."""
        now = self._clock.monotonic()
        if len(self._until) >= _SWEEP_FROM:
            self._until = {known: until for known, until in self._until.items() if until > now}
        if not await self.has(delivery):
            self._until[delivery] = now + self._keep_seconds


def _key(delivery: Delivery) -> str:
    # Names of rules and channels may hold anything; a key is short, and the same for the same three.
    named = "\0".join((delivery.rule, delivery.channel)).encode()
    return f"archwright:notified:{delivery.event_id}:{hashlib.sha256(named).hexdigest()[:24]}"


def _away(error: Exception) -> DependencyUnavailable:
    return DependencyUnavailable(
        f"Redis did not tell what was delivered: {error or type(error).__name__}. The message is tried again.",
        facts={"dependency": "redis"},
    )
