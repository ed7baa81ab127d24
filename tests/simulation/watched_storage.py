"""Storage in memory that remembers who was granted what, and which fences it believed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from checker.facts import Applied, Grant

from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Written
from services.engine.ports.task_board import Claimed, Slot
from services.engine.storage.memory.store import MemoryStore
from services.engine.storage.memory.tables import Tables
from services.engine.storage.memory.task_board import MemoryTaskBoard


@dataclass
class FenceLog:
    """Grants, and what was written under them, in the order in which both happened."""

    grants: list[Grant] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)


class WatchedStore(MemoryStore):
    """The store, with a log of the fences that it believed."""

    def __init__(self, tables: Tables, log: FenceLog, *, accept_seconds: float) -> None:
        super().__init__(tables, accept_seconds=accept_seconds)
        self._log = log

    def _commit(self, batch_id: uuid.UUID, entries: Sequence[Entry], held: Key | None = None) -> Sequence[Written]:
        written = super()._commit(batch_id, entries, held)
        for entry, fate in zip(entries, written, strict=True):
            if fate.verdict == "won":
                self._log.applied += [
                    Applied(fence.task_id, fence.attempt, fence.lease_id, len(self._log.grants))
                    for fence in entry.fences
                ]
                self._log.grants += [
                    Grant(task_id, self._tables.open_tasks[task_id].attempt, grant.lease_id)
                    for task_id, grant in entry.granted.items()
                ]
        return written


class WatchedBoard(MemoryTaskBoard):
    """The task board, with a log of what it granted."""

    def __init__(self, tables: Tables, log: FenceLog, *, lease_seconds: float, accept_seconds: float) -> None:
        super().__init__(tables, lease_seconds=lease_seconds, accept_seconds=accept_seconds)
        self._log = log

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        claimed = await super().claim(queue, tenant, slots)
        self._log.grants += [Grant(task.task_id, task.attempt, task.lease_id) for task in claimed]
        return claimed
