"""Marks agents silent that missed too many heartbeats.

Only silence that we could have heard counts: after a start, or after the database was away, every agent gets the
full time again. Otherwise the first replica back from an outage would call everybody offline.
"""

from __future__ import annotations

import structlog

from services.chassis.clock import Clock
from services.registry.domain.health import MISSED_HEARTBEATS_MAX, silent_since
from services.registry.ports import AgentStore, Feed

log = structlog.get_logger(__name__)


class MarkSilentAgents:
    """The duty of marking silent agents."""

    def __init__(self, store: AgentStore, feed: Feed, clock: Clock, *, heartbeat_seconds: float) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._looked_at = clock.monotonic()
        self._listening_since = clock.monotonic()

    async def step(self) -> None:
        """Mark those that are silent by now."""
        # A look at the database shows that heartbeats could be kept.
        up = await self._store.is_up()
        now = self._clock.monotonic()
        if not up or now - self._looked_at > self._heartbeat_seconds:
            self._listening_since = now
        self._looked_at = now
        if now - self._listening_since < self._heartbeat_seconds * MISSED_HEARTBEATS_MAX:
            return
        marked = await self._store.mark_silent(silent_since(self._clock.now(), self._heartbeat_seconds))
        if marked:
            self._feed.wake()
            log.info("agents_went_silent", agents=[f"{key.tenant}/{key.agent_id}" for key in marked])
