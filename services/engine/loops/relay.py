"""Publishes commits to the bus: its own right away, those that somebody left behind a little later.

The bus is a hint, and the engine works on without it. What could not be published stays noted in the database
with its commit, and is published when the bus is back.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence

import structlog

from archwright.errors import DependencyUnavailable
from services.bus.event import BusEvent
from services.bus.port import Publisher
from services.chassis.clock import Clock
from services.engine.bus_events import bus_event
from services.engine.ports.commands import Change
from services.engine.ports.history import Committed, History, Numbered
from services.engine.ports.store import Store

log = structlog.get_logger(__name__)

_WAITING_MAX = 1_000
_AT_ONCE = 100
"""After so many changes the next commits are left to the next step."""
_LEFT_BEHIND_SECONDS = 2.0
_READ_AT_ONCE = 10
"""How many commits, of up to two hundred workflows each, are in memory at a time."""
_QUIET_SECONDS = 1.0
_MARK_SECONDS = 0.5  # well before others take what is not marked for left behind


class Relay:
    """Publishes this replica's commits from memory."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._marked_at = clock.monotonic()
        # When the bus is slow the oldest drop out here, and are found again in the database.
        self._waiting: deque[tuple[uuid.UUID, Sequence[Change]]] = deque(maxlen=_WAITING_MAX)
        self._arrived = asyncio.Event()
        self._epoch: int | None = None
        self._unmarked: list[tuple[uuid.UUID, int]] = []

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Publish these changes soon."""
        if changes:
            self._waiting.append((batch_id, changes))
            self._arrived.set()

    async def step(self) -> None:
        """Publish what waits; now and then, note in the database what was published."""
        try:
            async with asyncio.timeout(_MARK_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            await self._mark()
            return
        # As of before they are published: what the bus loses after that counts against them.
        epoch = await self._store.bus_epoch() if self._epoch is None else self._epoch
        self._epoch = epoch
        batch = self._take()
        try:
            await self._publisher.publish(
                [event for _, changes in batch for change in changes for event in _events_of(change)]
            )
        except DependencyUnavailable as error:
            log.warning("bus_unavailable", error=error.message, commits_left_behind=len(batch))
            return
        self._unmarked.extend((batch_id, epoch) for batch_id, _ in batch)
        if self._clock.monotonic() - self._marked_at >= _MARK_SECONDS:
            await self._mark()

    def _take(self) -> list[tuple[uuid.UUID, Sequence[Change]]]:
        """Take the oldest commits, as many as can be published without holding up the event loop."""
        batch: list[tuple[uuid.UUID, Sequence[Change]]] = []
        size = 0
        while self._waiting and size < _AT_ONCE:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][1])
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _mark(self) -> None:
        if self._unmarked:
            marked = list(self._unmarked)
            for epoch in {epoch for _, epoch in marked}:
                await self._store.mark_published([batch_id for batch_id, of in marked if of == epoch], epoch)
            self._unmarked = self._unmarked[len(marked) :]
            self._epoch = await self._store.bus_epoch()
        self._marked_at = self._clock.monotonic()


class NoBus:
    """Stands in where no bus is configured: there is nobody to tell, so every commit counts as told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unmarked: list[uuid.UUID] = []
        self._arrived = asyncio.Event()

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Note the commit."""
        self._unmarked.append(batch_id)
        self._arrived.set()

    async def step(self) -> None:
        """Note in the database that nothing is left to publish."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        self._arrived.clear()
        marked, self._unmarked = self._unmarked, []
        await self._store.mark_published(marked)


class NobodyWaits:
    """Stands in for `LeftBehind` where no bus is configured: what a dead writer left behind counts as told too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def step(self) -> None:
        """Note what is old enough to have been left behind."""
        if due := await self._store.publish_due(_LEFT_BEHIND_SECONDS):
            await self._store.mark_published([batch_id for batch_id, _ in due])


class LeftBehind:
    """Publishes commits that their writer did not: the bus was down, or the writer died."""

    def __init__(self, store: Store, history: History, publisher: Publisher) -> None:
        self._store = store
        self._history = history
        self._publisher = publisher

    async def step(self) -> None:
        """Publish what is old enough to have been left behind."""
        while due := await self._store.publish_due(_LEFT_BEHIND_SECONDS):
            epoch = await self._store.bus_epoch()
            for start in range(0, len(due), _READ_AT_ONCE):
                part = due[start : start + _READ_AT_ONCE]
                committed = await self._history.committed([span for _, spans in part for span in spans])
                await self._publisher.publish([event for each in committed for event in _told_by(each)])
                await self._store.mark_published([batch_id for batch_id, _ in part], epoch)
            log.info("commits_published_late", count=len(due))


def _told_by(committed: Committed) -> list[BusEvent]:
    return [
        bus_event(committed.key, committed.plan, committed.request_id, Numbered(seq, event))
        for seq, event in enumerate(committed.events, start=committed.first_seq)
    ]


def _events_of(change: Change) -> list[BusEvent]:
    return [
        bus_event(change.key, change.plan, change.workflow.request_id, Numbered(seq, event))
        for seq, event in enumerate(change.events, start=change.first_seq)
    ]
