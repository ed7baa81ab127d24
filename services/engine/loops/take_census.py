"""Counts, every few seconds, what is the same for all replicas: what waits, what is under way, what lags.

It is not counted whenever somebody reads the metrics: many may read, and the database must not feel it.
"""

from __future__ import annotations

import structlog

from archwright.errors import DependencyUnavailable
from services.engine.ports.census import Census, Counted

log = structlog.get_logger(__name__)


class TakeCensus:
    """The duty of counting, and what was counted last."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._is_lost = False
        self.counted: Counted | None = None
        """What the last look found; None before the first, and while the database is away."""

    async def step(self) -> None:
        """Look once. A look that fails is no reason to look less often: a figure that is missing is missed."""
        try:
            self.counted = await self._census.count()
        except DependencyUnavailable as away:
            if not self._is_lost:
                log.warning("census_not_taken", cause=away.message)
            self.counted, self._is_lost = None, True
        else:
            self._is_lost = False
