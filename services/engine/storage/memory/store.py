"""The engine's store in memory: what the commit writes, and what is read of it."""

from __future__ import annotations

import asyncio
import uuid

from services.engine.ports.keys import Key
from services.engine.ports.store import Compose, Written
from services.engine.storage.memory.commits import MemoryCommits
from services.engine.storage.memory.tables import Tables
from services.engine.storage.memory.workflows import MemoryWorkflows


class MemoryStore(MemoryCommits, MemoryWorkflows):
    """Both halves of the store over one set of tables."""

    def __init__(self, tables: Tables, *, accept_seconds: float) -> None:
        MemoryCommits.__init__(self, tables, accept_seconds=accept_seconds)
        MemoryWorkflows.__init__(self, tables)

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        """Hold a workflow, so that nobody can overtake, and write what `compose` makes of it; return its fate.

        It waits for whoever is writing to the workflow, and whoever comes meanwhile loses. Raises what `commit` does.
        """
        async with self._tables.held.setdefault(key, asyncio.Lock()):
            entry = await compose((await self.load([key])).get(key))
            if entry is None:
                return None
            [written] = self._commit(batch_id, [entry], held=key)
            return written
