"""Receives events as a member of a group: each at least once, tried again where it fails, given up in the end.

What one event does holds up no other. An entry is acknowledged when all of its events were dealt with or given up;
until then its receiver says again and again that it is at it, and when it falls silent another one takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from archwright.errors import DependencyUnavailable
from archwright.events.dealing import Dealing, Handle, Tell, Terms
from archwright.events.subscription import Entry, EntryId, Subscription
from archwright.pacing import Backoff, jittered
from archwright.sdk.clock import Clock, SystemClock

log = structlog.get_logger(__name__)

_ROOM_SECONDS = 1.0


class Receiving:
    """One receiver at work, until `stop` is set."""

    def __init__(
        self,
        subscription: Subscription,
        handle: Handle,
        stop: asyncio.Event,
        *,
        terms: Terms | None = None,
        clock: Clock | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        self._subscription = subscription
        self._terms = terms or Terms()
        self._clock = clock or SystemClock()
        self._stop = stop
        self._dealing = Dealing(subscription, handle, self._terms, self._clock, stop, tell)
        self._held: set[EntryId] = set()
        self._is_away = False

    async def run(self) -> None:
        """Receive until we are to stop; then end what is being dealt with, and leave the group."""
        terms = self._terms
        async with asyncio.TaskGroup() as work:
            work.create_task(self._repeat(lambda: self._take(work)))
            work.create_task(self._repeat(lambda: self._reclaim(work), every=terms.reclaim_seconds))
            work.create_task(self._repeat(self._keep, every=terms.keep_seconds))
        try:
            await self._subscription.leave()
        except DependencyUnavailable as away:
            log.info("group_not_left", group=self._subscription.group, cause=away.message)

    async def _repeat(self, step: Callable[[], Awaitable[None]], *, every: float = 0.0) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                await step()
            except DependencyUnavailable as away:
                if not self._is_away:
                    log.warning("bus_not_read", group=self._subscription.group, cause=away.message)
                self._is_away = True
                await self._clock.rest(backoff.next_pause(), self._stop)
                continue
            backoff.reset()
            if every:
                await self._clock.rest(jittered(every), self._stop)

    async def _take(self, work: asyncio.TaskGroup) -> None:
        if len(self._held) >= self._terms.held_max:
            await self._clock.rest(_ROOM_SECONDS, self._stop)
            return
        entries = await self._subscription.take(self._terms.at_once)
        if self._is_away:
            log.info("bus_read_again", group=self._subscription.group)
            self._is_away = False
        self._hold(entries, work)

    async def _reclaim(self, work: asyncio.TaskGroup) -> None:
        entries = await self._subscription.reclaim(self._terms.at_once)
        if entries:
            log.info("entries_reclaimed", group=self._subscription.group, count=len(entries))
        self._hold(entries, work)

    async def _keep(self) -> None:
        await self._subscription.keep(list(self._held))

    def _hold(self, entries: Sequence[Entry], work: asyncio.TaskGroup) -> None:
        for entry in entries:
            if entry.entry_id not in self._held:
                self._held.add(entry.entry_id)
                work.create_task(self._deal_with(entry))

    async def _deal_with(self, entry: Entry) -> None:
        try:
            await self._dealing.deal_with(entry)
        finally:
            self._held.discard(entry.entry_id)
