"""What is remembered of the bus, in memory."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.bus.port import Standing
from services.engine.ports.bus_record import BusKnown, Redelivery
from services.engine.ports.dead_letters import LetterKind, LetterState
from services.engine.storage.memory.tables import Tables


class MemoryBusRecord:
    """What one replica remembers, and all others with it."""

    def __init__(self, tables: Tables, replica_id: uuid.UUID) -> None:
        self._tables = tables
        self._replica_id = replica_id

    async def take_charge(self, seconds: float) -> bool:
        """Return whether it is on this replica to look after the bus."""
        now, bus = self._tables.clock.now(), self._tables.bus
        if bus.kept_until is not None and bus.kept_until >= now and bus.kept_by != self._replica_id:
            return False
        bus.kept_by, bus.kept_until = self._replica_id, now + timedelta(seconds=seconds)
        return True

    async def known(self) -> BusKnown:
        """Return what is remembered."""
        return BusKnown(
            self._tables.bus.life, dict(self._tables.bus.groups), self._tables.clock.now(), self._tables.bus.epoch
        )

    async def lost(self, life: str, since: datetime | None) -> int:
        """Note that the bus may have lost what it was told since then."""
        again = [
            row
            for row in self._tables.commits.values()
            if since is not None and row.published_at is not None and row.published_at >= since and row.spans
        ]
        for row in again:
            row.published_at, row.reserved_until = None, None
        redelivered = self._tables.bus.redelivered
        for letter in [each for each, at in redelivered.items() if since is not None and at >= since]:
            del redelivered[letter]
        self._tables.bus.life = life
        self._tables.bus.epoch += 1
        return len(again)

    async def note(self, standings: Sequence[Standing], at: datetime) -> None:
        """Note how far the groups had come, at this time or later."""
        for standing in standings:
            self._tables.bus.groups[standing.group] = at - timedelta(seconds=standing.behind_seconds)

    async def redeliveries(self, *, limit: int) -> Sequence[Redelivery]:
        """Return the first events that somebody redrove and that their groups were not given again yet."""
        due = [
            Redelivery(row.tenant, row.letter_id, row.group, row.workflow_id, row.envelope)
            for each, row in self._tables.letters.items()
            if (row.kind, row.state) == (LetterKind.EVENT, LetterState.REDRIVEN)
            and each not in self._tables.bus.redelivered
        ]
        return due[:limit]

    async def redelivered(self, done: Sequence[Redelivery], epoch: int) -> None:
        """Note that the bus has these. Where it may have lost something since that epoch, nothing is noted."""
        if epoch == self._tables.bus.epoch:
            now = self._tables.clock.now()
            self._tables.bus.redelivered.update({(each.tenant, each.letter_id): now for each in done})

    async def forget(self, group: str) -> None:
        """Forget a group."""
        self._tables.bus.groups.pop(group, None)
