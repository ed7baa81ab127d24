"""Tells those who watch or listen here what the bus says: one reader for all of them.

To those who watch a workflow the bus is only a hint: it says that something happened, and history says what. While
nobody watches or listens, nothing is read.
"""

from __future__ import annotations

import structlog

from archwright.errors import DependencyUnavailable
from services.bus.port import Tail
from services.chassis.clock import Clock
from services.engine.live import Feed
from services.engine.ports.keys import Key
from services.engine.tails import Tails

log = structlog.get_logger(__name__)

_AWAY_SECONDS = 2.0
_IDLE_SECONDS = 0.05


class HeedBus:
    """Follows the bus."""

    def __init__(self, tail: Tail, feed: Feed, tails: Tails, clock: Clock) -> None:
        self._tail = tail
        self._feed = feed
        self._tails = tails
        self._clock = clock
        self._is_away = False

    async def step(self) -> None:
        """Read once."""
        if not self._feed.watched() and not self._tails:
            self._tail.rest()
            await self._clock.sleep(_IDLE_SECONDS)
            return
        try:
            seen = await self._tail.read()
        except DependencyUnavailable as away:
            if not self._is_away:
                log.warning("bus_not_followed", cause=away.message)
                self._tails.missed("The event bus does not answer.")
            self._is_away = True
            await self._clock.sleep(_AWAY_SECONDS)
            return
        if self._is_away:
            log.info("bus_followed_again")
            self._is_away = False
        for received in seen:
            if (event := received.event) is not None:
                self._feed.newest(Key(event.tenant, event.workflow_id), event.seq)
                self._tails.tell(event)
