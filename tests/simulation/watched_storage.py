"""Storage in memory that remembers what the invariants ask after: grants and fences, firings, removals."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from checker.facts import Applied, Fired, Grant, Removed

from services.chassis.clock import Clock
from services.engine.domain.schedule import Progress, Schedule
from services.engine.ports.keys import Key
from services.engine.ports.retention import FileKey, Leftovers, Walked
from services.engine.ports.store import Entry, Written
from services.engine.ports.task_board import Claimed, Slot
from services.engine.storage.memory.schedules import MemorySchedules
from services.engine.storage.memory.store import MemoryStore
from services.engine.storage.memory.tables import Tables
from services.engine.storage.memory.task_board import MemoryTaskBoard
from tests.simulation.links import Link


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


class WatchedSchedules(MemorySchedules):
    """The schedules, with a log of what each firing was noted to have done."""

    def __init__(self) -> None:
        super().__init__()
        self.fired: list[Fired] = []

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        is_noted = await super().advance(schedule, progress)
        fired = _fired(schedule, progress) if is_noted else None
        if fired is not None:
            self.fired.append(fired)
        return is_noted

    @property
    def kept(self) -> Sequence[Schedule]:
        """All schedules that there are, as they are now."""
        return [row.schedule for row in self._alive()]


def _fired(schedule: Schedule, progress: Progress) -> Fired | None:
    """Return which firing an advance leaves behind, if any; one that was queued goes before one that is due."""
    before = schedule.progress
    is_dequeued = before.queued_fire_at is not None and progress.queued_fire_at is None
    fire_at = before.queued_fire_at if is_dequeued else before.next_fire_at
    if fire_at is None:
        return None
    if progress.last_fire_at == fire_at and not progress.last_problem:
        return Fired(schedule.tenant, schedule.schedule_id, fire_at, "started")
    if progress.queued_fire_at == fire_at:
        return Fired(schedule.tenant, schedule.schedule_id, fire_at, "put off")
    is_told = schedule.paused or progress.last_problem != before.last_problem
    return Fired(schedule.tenant, schedule.schedule_id, fire_at, "passed over" if is_told else "")


class WatchedLeftovers:
    """What retention removes from, behind a link, with a log of what it removed and whether that was due."""

    def __init__(
        self, inner: Leftovers, tables: Tables, link: Link, clock: Clock, keep: timedelta, removed: list[Removed]
    ) -> None:
        self._inner = inner
        self._tables = tables
        self._link = link
        self._clock = clock
        self._keep = keep
        self._removed = removed

    async def remove_workflows(self, ended_before: datetime, *, limit: int) -> int:
        due_before = self._clock.now() - self._keep

        async def remove() -> int:
            rows = dict(self._tables.workflows)
            count = await self._inner.remove_workflows(ended_before, limit=limit)
            self._removed += [
                Removed(key, row.created.request_id, row.status, row.ended_at, due_before)
                for key, row in rows.items()
                if key not in self._tables.workflows
            ]
            return count

        return await self._link.call(remove)

    async def remove_files(self, touched_before: datetime, *, after: FileKey | None, limit: int) -> Walked:
        return await self._link.call(lambda: self._inner.remove_files(touched_before, after=after, limit=limit))

    async def remove_letters(self, made_before: datetime, *, limit: int) -> int:
        return await self._link.call(lambda: self._inner.remove_letters(made_before, limit=limit))

    async def remove_cached_outputs(self, expired_before: datetime, *, limit: int) -> int:
        return await self._link.call(lambda: self._inner.remove_cached_outputs(expired_before, limit=limit))
