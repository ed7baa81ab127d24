"""A store that looks for a hot copy before it asks PostgreSQL for a workflow.

A workflow whose commit did not win is not looked for among the copies again until it was read from PostgreSQL: its copy
may be what was behind.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

from services.engine.domain.events import Json
from services.engine.ports.hot_copies import HotCopies
from services.engine.ports.keys import Key
from services.engine.ports.store import Compose, Entry, Span, Store, Stored, Written


class HotStore:
    """Both together."""

    def __init__(self, store: Store, copies: HotCopies) -> None:
        self._store = store
        self._copies = copies
        self._doubted: set[Key] = set()

    async def load(self, keys: Collection[Key], *, certain: bool = False) -> Mapping[Key, Stored]:
        """Return those of the workflows that exist; unless that must be `certain`, perhaps as of an earlier commit."""
        if not keys:
            return {}
        if certain:
            return await self._store.load(keys, certain=True)
        doubted = self._doubted.intersection(keys)
        copied = await self._copies.read([key for key in keys if key not in doubted])
        found = dict(copied)
        if missing := [key for key in keys if key not in copied]:
            found.update(await self._store.load(missing))
        self._doubted -= doubted
        return found

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write as the store does, and doubt the copies of those that did not win."""
        written = await self._store.commit(batch_id, entries)
        self._doubted.update(
            entry.key for entry, fate in zip(entries, written, strict=True) if fate.verdict in ("lost", "fenced")
        )
        return written

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        """Ask the store, which reads past the copies."""
        return await self._store.commit_alone(batch_id, key, compose)

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Ask the store."""
        return await self._store.settle(batch_id)

    async def cached(self, tenant: str, keys: Collection[str]) -> Mapping[str, Json]:
        """Ask the store."""
        return await self._store.cached(tenant, keys)

    async def find_by_request(self, tenant: str, request_id: str) -> tuple[str, bytes] | None:
        """Ask the store."""
        return await self._store.find_by_request(tenant, request_id)

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Ask the store."""
        return await self._store.publish_due(older_than_seconds)

    async def bus_epoch(self) -> int:
        """Return how often the bus has lost something so far."""
        return await self._store.bus_epoch()

    async def mark_published(self, batch_ids: Collection[uuid.UUID], epoch: int | None = None) -> None:
        """Tell the store."""
        await self._store.mark_published(batch_ids, epoch)
