"""A way to the store on which the tests hold commits up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from archwright.errors import DependencyUnavailable
from services.engine.ports.store import Entry, Written


class HeldStore:
    """A way to the store on which a commit waits until it is let go, and may fail then."""

    def __init__(self, store: Any, *, fails: bool = False) -> None:
        self._store = store
        self._fails = fails
        self.under_way = asyncio.Event()
        self.go_on = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        self.under_way.set()
        await self.go_on.wait()
        if self._fails:
            raise DependencyUnavailable("the database is away")
        written: Sequence[Written] = await self._store.commit(batch_id, entries)
        return written
