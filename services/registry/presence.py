"""How busy agents are by their last word, and whose turn it is: in Redis, and a twin in memory.

Hints, so nothing here fails a call: while Redis is away there is no fresher word than the store's, and each replica
counts turns for itself. Entries end by themselves after a few missed heartbeats; the next heartbeat brings back what
was flushed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.clock import Clock
from services.registry.domain.agent import Heartbeat, Key, Load

log = structlog.get_logger(__name__)

ANSWER_SECONDS_MAX = 0.25
"""Nobody waits longer for a hint."""
AWAY_SECONDS = 2.0
"""After a failure Redis is left alone for so long."""
TURN_SECONDS = 3600
"""A queue that nobody asked for in so long begins its turns anew."""
OWN_TURNS_MAX = 10_000
"""One process counts the turns of so many queues at most."""


class RedisPresence:
    """The Presence in Redis. One key an agent, so that they may lie anywhere in a cluster."""

    def __init__(self, client: Redis, clock: Clock, *, keep_seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._keep_ms = int(keep_seconds * 1000)
        self._own_turns = _Turns()
        self._away_until = 0.0

    async def tell(self, heartbeats: Sequence[Heartbeat]) -> None:
        """Remember for a while how busy these agents are."""
        pipeline = self._client.pipeline(transaction=False)
        for heartbeat in heartbeats:
            pipeline.set(_name(heartbeat.key), _text(heartbeat.load), px=self._keep_ms)
        await self._ask(pipeline.execute)

    async def loads(self, keys: Sequence[Key]) -> Mapping[Key, Load]:
        """Return how busy agents are, of those that were heard of lately. It may be older than what the store has."""
        if not keys:
            return {}
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(_name(key))
        found: Sequence[bytes | None] = await self._ask(pipeline.execute) or ()
        return {key: _load(text) for key, text in zip(keys, found, strict=False) if text is not None}

    async def next_turn(self, queue: str) -> int:
        """Return a number that grows by one with every call for the same queue, on any replica."""
        # Callers choose the queues' names, so the counters are short and end by themselves.
        counter = f"archwright:turn:{hashlib.sha256(queue.encode()).hexdigest()[:32]}"
        pipeline = self._client.pipeline(transaction=False)
        pipeline.incr(counter)
        pipeline.expire(counter, TURN_SECONDS)
        told = await self._ask(pipeline.execute)
        return self._own_turns.next(queue) if told is None else int(told[0])

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
        self._loads: dict[Key, tuple[Load, float]] = {}
        self._turns = _Turns()

    async def tell(self, heartbeats: Sequence[Heartbeat]) -> None:
        """Remember for a while how busy these agents are."""
        now = self._clock.monotonic()
        self._loads = {key: told for key, told in self._loads.items() if told[1] > now}
        for heartbeat in heartbeats:
            self._loads[heartbeat.key] = heartbeat.load, now + self._keep_seconds

    async def loads(self, keys: Sequence[Key]) -> Mapping[Key, Load]:
        """Return how busy agents are, of those that were heard of lately. It may be older than what the store has."""
        now = self._clock.monotonic()
        return {key: self._loads[key][0] for key in keys if key in self._loads and self._loads[key][1] > now}

    async def next_turn(self, queue: str) -> int:
        """Return a number that grows by one with every call for the same queue, on any replica."""
        return self._turns.next(queue)


class _Turns:
    """Whose turn it is in each queue, as far as one process knows."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def next(self, queue: str) -> int:
        if len(self._turns) >= OWN_TURNS_MAX:
            self._turns.clear()  # every queue begins anew, which is as fair as before
        self._turns[queue] += 1
        return self._turns[queue]


def _name(key: Key) -> str:
    return f"archwright:load:{key.tenant}/{key.agent_id}"


def _text(load: Load) -> str:
    return f"{load.task_count} {load.at.isoformat()}"


def _load(text: bytes) -> Load:
    task_count, _, at = text.decode().partition(" ")
    return Load(int(task_count), datetime.fromisoformat(at))
