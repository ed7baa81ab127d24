"""The hubs of one replica: one for each workflow that somebody watches here, for as long as somebody does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from archwright.connection import Connection
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import LimitReached
from services.chassis.clock import Clock
from services.realtime.closing import CloseCode
from services.realtime.hub import REMEMBERED_MAX, Hub
from services.realtime.measures import Measures
from services.realtime.settings import RealtimeSettings
from services.realtime.watcher import Watcher

_RETRY_SECONDS = 5.0
_GONE_SECONDS = 0.02
_Place = tuple[str, str]
"""A tenant and a workflow."""


class Hubs:
    """Everybody who watches at this replica."""

    def __init__(
        self,
        engines: Sequence[Connection],
        settings: RealtimeSettings,
        clock: Clock,
        measures: Measures,
        work: asyncio.TaskGroup,
    ) -> None:
        self._engines = engines
        self._settings = settings
        self._clock = clock
        self._measures = measures
        self._work = work
        self._hubs: dict[_Place, tuple[Hub, asyncio.Task[None]]] = {}
        self._count = Counter[str]()
        self._pinged_at = clock.monotonic()

    def __iter__(self) -> Iterator[Watcher]:
        """Return everybody."""
        return (watcher for hub, _ in self._hubs.values() for watcher in hub.watchers)

    @asynccontextmanager
    async def room(self, tenant: str) -> AsyncIterator[None]:
        """Keep room for one more; raises LimitReached where there is none."""
        settings = self._settings
        if self._count.total() >= settings.watchers_max or self._count[tenant] >= settings.tenant_watchers_max:
            raise LimitReached(
                f"As many watch here already as may be: {settings.tenant_watchers_max} of a tenant "
                f"(ARCHWRIGHT_TENANT_WATCHERS_MAX), {settings.watchers_max} in all (ARCHWRIGHT_WATCHERS_MAX).",
                retry_after_seconds=_RETRY_SECONDS,
            )
        self._count[tenant] += 1
        try:
            yield
        finally:
            self._count[tenant] -= 1

    @asynccontextmanager
    async def watching(self, watcher: Watcher, tenant: str, workflow: Workflow) -> AsyncIterator[None]:
        """Let a watcher take part while the block lasts."""
        place = tenant, workflow.workflow_id
        hub, _ = self._hubs.get(place) or self._begin(place, workflow)
        try:
            await hub.join(watcher)
            yield
        finally:
            hub.leave(watcher)
            if not hub.watchers:
                self._finish(place, hub)

    def _begin(self, place: _Place, workflow: Workflow) -> tuple[Hub, asyncio.Task[None]]:
        # A short history is followed from its beginning, so that all who join find it remembered.
        after_seq = 0 if workflow.last_seq <= REMEMBERED_MAX else workflow.last_seq
        hub = Hub(
            workflow.workflow_id, after_seq, self._engines, self.cut, waiting_bytes_max=self._settings.watcher_bytes_max
        )
        begun = self._hubs[place] = hub, self._work.create_task(hub.run())
        return begun

    def _finish(self, place: _Place, hub: Hub) -> None:
        known = self._hubs.get(place)
        if known is not None and known[0] is hub:
            del self._hubs[place]
            known[1].cancel()

    def cut(self, watcher: Watcher, code: CloseCode, why: str, last: bytes = b"") -> None:
        """Close a watcher, without waiting for it."""
        if watcher.is_cut:
            return
        watcher.is_cut = True
        self._measures.closed(code)
        self._work.create_task(watcher.close(code, why, last))

    async def look_after(self) -> None:
        """Close those whose tokens have expired; tell the others, now and then, that nothing happened."""
        now = self._clock.now()
        for watcher in list(self):
            if watcher.expires_at <= now:
                self.cut(watcher, CloseCode.TOKEN_INVALID, "The token has expired. Come back with another.")
        if self._clock.monotonic() - self._pinged_at >= self._settings.ping_seconds:
            self._pinged_at = self._clock.monotonic()
            for hub, _ in self._hubs.values():
                hub.ping()

    async def send_away(self, seconds_max: float) -> None:
        """Ask everybody to come back at another replica, and return when they have gone or the time is over."""
        for watcher in list(self):
            self.cut(watcher, CloseCode.RESTARTING, "This replica stops. Come back with after_seq.")
        until = self._clock.monotonic() + seconds_max
        while any(self) and self._clock.monotonic() < until:
            await self._clock.sleep(_GONE_SECONDS)
