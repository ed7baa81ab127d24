"""Rule 1, once more: what is to be handled alone is not lost when the database goes before it was decided."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from one_replica import replica_on

from services.engine.domain.commands import SignalWorkflow
from services.engine.ports.commands import Asked
from services.engine.ports.keys import Key
from services.engine.ports.store import Compose, Entry, UnknownOutcome, Written


class CutOffStore:
    """A way to the store on which everybody else is faster, and that breaks when a workflow is first held."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.alone = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage.store, name)

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        return [Written("lost") for _ in entries]

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        self.alone += 1
        if self.alone == 1:
            raise UnknownOutcome("The connection broke before the row was held.")
        written: Written | None = await self._storage.store.commit_alone(batch_id, key, compose)
        return written


async def test_what_was_to_be_handled_alone_is_tried_again_when_the_database_went_before_it_was_decided(
    storage: Any,
) -> None:
    stored = await storage.start()
    store = CutOffStore(storage)
    replica = replica_on(storage, store)
    asked = Asked(stored.key, SignalWorkflow(storage.now(), "go", None, "ann", "mine"))

    async with asyncio.TaskGroup() as group:
        await replica.commit_all(group.create_task(replica.committer.submit(asked)))

    assert store.alone == 2
    assert "mine" in (await storage.load(stored.key)).workflow.requests
