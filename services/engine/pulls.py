"""Wakes agents that wait in a call for work."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from services.engine.ports.commands import Change

TOLD_FACTOR = 8
"""So much more rarely is looked for what other replicas made, while they tell it."""


class Pulls:
    """Who waits for work without a stream, and the bell that is rung for them."""

    def __init__(self, *, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._bell = asyncio.Event()
        self.is_closed = False
        self.is_told = False
        """Whether other replicas tell what they make, so that to look for it is but a precaution."""

    @property
    def look_seconds(self) -> float:
        """How often somebody who waits looks without being called."""
        return self._poll_seconds * TOLD_FACTOR if self.is_told else self._poll_seconds

    def bell(self) -> asyncio.Event:
        """Return what is rung at the next change: take it before looking, and nothing is missed."""
        return self._bell

    async def wait(self, bell: asyncio.Event, seconds_max: float) -> None:
        """Wait for a reason to look again: a change here or told by another replica, or the time to look anyway."""
        try:
            async with asyncio.timeout(min(self.look_seconds, seconds_max)):
                await bell.wait()
        except TimeoutError:
            return

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Ring when a commit made tasks that wait."""
        if any(change.queues for change in changes):
            self.ring()

    def ring(self) -> None:
        """Have everybody look again."""
        self._bell.set()
        self._bell = asyncio.Event()

    def close(self) -> None:
        """Let everybody go: the replica stops."""
        self.is_closed = True
        self.ring()
