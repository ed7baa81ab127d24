"""Forgets registrations that ended so long ago that every follower has been told."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.chassis.clock import Clock
from services.registry.ports import AgentStore

KEPT: Final = timedelta(hours=1)
"""How long an ended registration stays: for followers, and for a repeated DeregisterAgent."""


class ForgetRemovedAgents:
    """The duty of forgetting."""

    def __init__(self, store: AgentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def step(self) -> None:
        """Forget what is old enough."""
        await self._store.forget_removed(self._clock.now() - KEPT)
