"""Tells health checks whether this replica can answer: it can while its database does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from services.registry.ports import AgentStore

log = structlog.get_logger(__name__)


class TellReadiness:
    """The duty of telling readiness."""

    def __init__(self, store: AgentStore, tell: Callable[[bool], Awaitable[None]]) -> None:
        self._store = store
        self._tell = tell
        self._told: bool | None = None

    async def step(self) -> None:
        """Look, and tell when it changed."""
        ready = await self._store.is_up()
        if ready != self._told:
            self._told = ready
            log.info("readiness_changed", ready=ready)
            await self._tell(ready)
