"""How busy agents are by their last word, and whose turn it is: in Redis, and a twin in memory.

Hints, so nothing here fails a call: while Redis is away there is no fresher word than the store's, and each replica
counts turns for itself. Entries end by themselves after a few missed heartbeats; the next heartbeat brings back what
was flushed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.clock import Clock
from services.registry.domain.agent import Heartbeat, Key

log = structlog.get_logger(__name__)

ANSWER_SECONDS_MAX = 0.25
"""Nobody waits longer for a hint."""
AWAY_SECONDS = 2.0
"""After a failure Redis is left alone for so long."""


class RedisPresence:
    """The Presence in Redis. One key an agent, so that they may lie anywhere in a cluster."""

    def __init__(self, client: Redis, clock: Clock, *, keep_seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._keep_ms = int(keep_seconds * 1000)
        self._own_turns: Counter[str] = Counter()
        self._away_until = 0.0

    async def tell(self, heartbeats: Sequence[Heartbeat]) -> None:
        """Remember for a while how busy these agents are."""
        pipeline = self._client.pipeline(transaction=False)
        for heartbeat in heartbeats:
            pipeline.set(_name(heartbeat.key), heartbeat.current_task_count, px=self._keep_ms)
        await self._ask(pipeline.execute)

    async def loads(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        """Return how many tasks agents hold, of those that were heard of lately."""
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(_name(key))
        found: Sequence[str | None] = await self._ask(pipeline.execute) or ()
        return {key: int(count) for key, count in zip(keys, found, strict=False) if count is not None}

    async def next_turn(self, queue: str) -> int:
        """Return a number that grows by one with every call for the same queue, on any replica."""
        turn = await self._ask(partial(self._client.incr, f"archwright:turn:{queue}"))
        if turn is not None:
            return int(turn)
        self._own_turns[queue] += 1
        return self._own_turns[queue]

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer, or None where Redis is away or slow."""
        if self._clock.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._clock.monotonic() + AWAY_SECONDS
            log.warning("presence_away", cause=str(error) or type(error).__name__)
            return None


class MemoryPresence:
    """The Presence of a registry without Redis: what this replica heard itself."""

    def __init__(self, clock: Clock, *, keep_seconds: float) -> None:
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._loads: dict[Key, tuple[int, float]] = {}
        self._turns: Counter[str] = Counter()

    async def tell(self, heartbeats: Sequence[Heartbeat]) -> None:
        """Remember for a while how busy these agents are."""
        now = self._clock.monotonic()
        self._loads = {key: told for key, told in self._loads.items() if told[1] > now}
        for heartbeat in heartbeats:
            self._loads[heartbeat.key] = heartbeat.current_task_count, now + self._keep_seconds

    async def loads(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        """Return how many tasks agents hold, of those that were heard of lately."""
        now = self._clock.monotonic()
        return {key: self._loads[key][0] for key in keys if key in self._loads and self._loads[key][1] > now}

    async def next_turn(self, queue: str) -> int:
        """Return a number that grows by one with every call for the same queue, on any replica."""
        self._turns[queue] += 1
        return self._turns[queue]


def _name(key: Key) -> str:
    return f"archwright:presence:{key.tenant}/{key.agent_id}"
