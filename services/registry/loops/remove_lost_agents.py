"""Ends the registrations of agents that nobody has heard of for so long that they will not come back.

Whoever starts agents without an id gives each a fresh one, so every crash leaves one behind. One that comes back after
all registers anew, as its next heartbeat tells it that it is unknown.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from services.chassis.clock import Clock
from services.registry.ports import AgentStore, Feed

log = structlog.get_logger(__name__)


class RemoveLostAgents:
    """The duty of removing the lost."""

    def __init__(self, store: AgentStore, feed: Feed, clock: Clock, *, keep_hours: float) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._keep = timedelta(hours=keep_hours)

    async def step(self) -> None:
        """Remove those that have been silent for long enough."""
        now = self._clock.now()
        removed = await self._store.remove_lost(now - self._keep, now)
        if removed:
            self._feed.wake()
            log.info("lost_agents_removed", agents=[f"{key.tenant}/{key.agent_id}" for key in removed])
