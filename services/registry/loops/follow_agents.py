"""Follows the agents in the store, and tells watchers.

Every replica looks for changes each second, and at once when it made one itself; so a watcher on any replica
hears of what happens on all. A watcher is told the latest state of an agent, not every state it passed through:
what waits for a slow watcher is bounded by the number of agents.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from typing import Final

import structlog

from archwright.errors import DependencyUnavailable
from services.chassis.clock import Clock
from services.chassis.wake import Wake
from services.registry.domain.agent import Agent, Key
from services.registry.ports import AgentStore, Changes, Known, Quiet, Removed, SnapshotComplete, Tenants, Update

log = structlog.get_logger(__name__)

QUIET_SECONDS: Final = 5.0
"""After this long without a change a watcher is told that the stream is alive."""


class _Watcher:
    """What one watcher has yet to be told: an agent, or None where it was removed."""

    def __init__(self, tenants: Tenants, clock: Clock) -> None:
        self.tenants = tenants
        self.pending: dict[Key, Agent | None] = {}
        self.wake = Wake(clock)

    def tell(self, key: Key, agent: Agent | None) -> None:
        if self.tenants is None or key.tenant in self.tenants:
            self.pending[key] = agent
            self.wake.nudge()


class FollowAgents:
    """The duty of following, and the `Feed` that it keeps."""

    def __init__(self, store: AgentStore, clock: Clock, *, poll_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._wake = Wake(clock)
        self._known: dict[Key, Agent] = {}
        self._cursor: int | None = None
        self._watchers: set[_Watcher] = set()
        self._looking = asyncio.Lock()
        self._has_looked = self._is_lost = False
        self._is_closed = False

    async def step(self) -> None:
        """Look for changes, tell them, and wait for the next time.

        While the store is away this goes on at the same pace, so that watchers hear soon after it is back.
        """
        try:
            await self._look()
        except DependencyUnavailable as away:
            if not self._is_lost:
                log.warning("agents_not_followed", cause=away.message)
            self._is_lost = True
        else:
            self._is_lost = False
        await self._wake.wait(self._poll_seconds)

    def wake(self) -> None:
        """Look for changes at once, because this replica just made one."""
        self._wake.nudge()

    def agents(self) -> Collection[Agent] | None:
        """Return all agents as of the last look; None before the first, and while the store is away."""
        return self._known.values() if self._has_looked and not self._is_lost else None

    def close(self) -> None:
        """End all watches."""
        self._is_closed = True
        for watcher in self._watchers:
            watcher.wake.nudge()

    async def watch(self, tenants: Tenants) -> AsyncGenerator[Update, None]:
        """Tell everybody, then SnapshotComplete, then changes; ends when the feed is closed."""
        watcher = _Watcher(tenants, self._clock)
        self._watchers.add(watcher)
        try:
            # Fresh from the store: what was registered before the watch began is in the snapshot.
            await self._look()
            watcher.pending.clear()
            for key, agent in list(self._known.items()):
                if tenants is None or key.tenant in tenants:
                    yield Known(agent)
            yield SnapshotComplete()
            while not self._is_closed:
                if not watcher.pending:
                    await watcher.wake.wait(QUIET_SECONDS)
                told, watcher.pending = watcher.pending, {}
                for key, current in told.items():
                    yield Removed(key) if current is None else Known(current)
                if not told:
                    yield Quiet()
        finally:
            self._watchers.discard(watcher)

    async def _look(self) -> None:
        # One look at a time: an older answer must not overtake a newer one.
        async with self._looking:
            cursor, self._cursor = self._cursor, None
            if cursor is None:
                # The first look, or one after a failure, which may have missed what is forgotten by now.
                changes = await self._store.everybody()
                gone = self._known.keys() - {agent.key for agent in changes.agents}
            else:
                changes = await self._store.changes_since(cursor)
                gone = self._known.keys() & set(changes.removed)
            self._take(changes, gone)

    def _take(self, changes: Changes, gone: set[Key]) -> None:
        for agent in changes.agents:
            if self._known.get(agent.key) != agent:
                self._known[agent.key] = agent
                self._tell(agent.key, agent)
        for key in gone:
            del self._known[key]
            self._tell(key, None)
        self._cursor = changes.cursor
        self._has_looked = True

    def _tell(self, key: Key, agent: Agent | None) -> None:
        for watcher in self._watchers:
            watcher.tell(key, agent)
