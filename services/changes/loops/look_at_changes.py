"""Looks at the changes of a rule every so often, and at once when somebody rings: a hook is never believed."""

from __future__ import annotations

import asyncio

import structlog

from archwright.errors import ArchwrightError
from archwright.pacing import jittered, rest
from services.changes.follow import Follow

log = structlog.get_logger(__name__)


class LookAtChanges:
    """The looking of one rule."""

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._rung = asyncio.Event()
        self._is_away = False

    def ring(self) -> None:
        """Have it look at once."""
        self._rung.set()

    async def step(self) -> None:
        """Wait for the time or a ring, and look; then leave the system alone for as long as it asks for."""
        await rest(jittered(self._follow.rule.poll_seconds), self._rung)
        self._rung.clear()
        try:
            await self._follow.see_to_all()
        except ArchwrightError as error:
            if not self._is_away:
                log.warning("changes_not_looked_at", rule=self._follow.rule.name, cause=error.message)
            self._is_away = True
            await rest(error.retry_after_seconds or 0.0)
        else:
            if self._is_away:
                log.info("changes_looked_at_again", rule=self._follow.rule.name)
            self._is_away = False
