"""Looks at the changes of a rule every so often, and at once when somebody rings: a hook is never believed."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from archwright.errors import ArchwrightError
from archwright.pacing import jittered, rest
from services.changes.rules import Rule
from services.chassis.clock import Clock

log = structlog.get_logger(__name__)


RING_SECONDS: Final = 1.0
"""How long there is between two rounds at least, however often somebody rings."""


class Following(Protocol):
    """The approvals of one rule, and what is done about them."""

    rule: Rule

    async def see_to_all(self) -> None:
        """Bring all and their changes in step."""
        ...


class LookAtChanges:
    """The looking of one rule."""

    def __init__(self, follow: Following, clock: Clock) -> None:
        self._follow = follow
        self._clock = clock
        self._begun = -RING_SECONDS
        self._rung = asyncio.Event()
        self._is_away = False

    def ring(self) -> None:
        """Have it look at once."""
        self._rung.set()

    async def step(self) -> None:
        """Wait for the time or a ring, and look; then leave the system alone for as long as it asks for."""
        await rest(jittered(self._follow.rule.poll_seconds), self._rung)
        await self._clock.sleep(max(0.0, self._begun + RING_SECONDS - self._clock.monotonic()))
        self._rung.clear()
        self._begun = self._clock.monotonic()
        try:
            await self._follow.see_to_all()
        except ArchwrightError as error:
            if not self._is_away:
                log.warning("changes_not_looked_at", rule=self._follow.rule.name, cause=error.message)
            self._is_away = True
            await self._clock.sleep(error.retry_after_seconds or 0.0)
        else:
            if self._is_away:
                log.info("changes_looked_at_again", rule=self._follow.rule.name)
            self._is_away = False
