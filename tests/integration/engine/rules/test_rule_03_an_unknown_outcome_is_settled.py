"""Rule 3: a commit whose answer was lost is settled by its own row, and answered as it truly ended."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from one_replica import replica_on

from services.engine.domain.commands import PauseWorkflow
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.commands import Asked
from services.engine.ports.store import Entry, UnknownOutcome, Written


class BadLine:
    """A way to the store on which the first answer to a commit is lost, after it happened or before."""

    def __init__(self, store: Any, *, happens: bool) -> None:
        self._store = store
        self._happens = happens
        self._is_lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        if self._is_lost:
            return await self._store.commit(batch_id, entries)
        self._is_lost = True
        if self._happens:
            await self._store.commit(batch_id, entries)
        raise UnknownOutcome("the line broke")


@pytest.mark.parametrize("happens", [True, False], ids=["it happened", "it did not"])
async def test_the_command_is_applied_once_and_answered(storage: Any, happens: bool) -> None:
    stored = await storage.start()
    replica = replica_on(storage, BadLine(storage.store, happens=happens))

    async with asyncio.TaskGroup() as group:
        command = PauseWorkflow(storage.now(), "ann", "", "r1")
        pausing = group.create_task(replica.committer.submit(Asked(stored.key, command)))
        await replica.commit_all(pausing)

    after = await storage.load(stored.key)
    assert after.workflow.status is WorkflowStatus.PAUSED
    assert after.version == stored.version + 1
