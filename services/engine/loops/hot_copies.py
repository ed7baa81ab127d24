"""Copies workflows to where other replicas read them first: those that came to rest, and now and then the busy ones.

A workflow that is stepped on is in the memory of the replica that does so, and a copy of it would be old at once. So
it is copied when nothing happened to it for a moment, when it leaves memory, and otherwise every few seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import structlog

from archwright.errors import DependencyUnavailable
from services.chassis.clock import Clock
from services.engine.memory import Memory
from services.engine.ports.commands import Change
from services.engine.ports.hot_copies import HotCopies
from services.engine.ports.keys import Key
from services.engine.ports.store import Stored

log = structlog.get_logger(__name__)

_AT_REST_SECONDS = 0.25
_BUSY_SECONDS = 5.0
_COPIES_MAX = 500


class CopyWorkflows:
    """Keeps the hot copies of this replica's workflows fresh."""

    def __init__(self, copies: HotCopies, memory: Memory, clock: Clock) -> None:
        self._copies = copies
        self._memory = memory
        self._clock = clock
        self._changed: dict[Key, tuple[float, float]] = {}
        self._evicted: list[Stored] = []

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Note who changed, first and last, since the last copy."""
        now = self._clock.monotonic()
        for change in changes:
            if change.workflow.status.is_final:
                self._changed.pop(change.key, None)
            else:
                first, _ = self._changed.get(change.key, (now, now))
                self._changed[change.key] = (first, now)

    def evicted(self, stored: Stored) -> None:
        """Note a workflow that leaves memory."""
        if stored.key in self._changed:
            self._evicted.append(stored)

    async def step(self) -> None:
        """Copy what is due."""
        now = self._clock.monotonic()
        due = [
            key
            for key, (first, last) in self._changed.items()
            if now - last >= _AT_REST_SECONDS or now - first >= _BUSY_SECONDS
        ][:_COPIES_MAX]
        leaving, self._evicted = self._evicted, []
        found = [stored for key in due if (stored := self._memory.peek(key)) is not None]
        for key in (*due, *(stored.key for stored in leaving)):
            self._changed.pop(key, None)
        if not found and not leaving:
            return
        try:
            await self._copies.write([*leaving, *found])
        except DependencyUnavailable as error:
            log.info("hot_copies_not_written", error=error.message)
