"""What is out of time, and what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from services.engine.domain.clocks import ADMISSION_TIMER
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.task_board import DueTimer, Held
from services.engine.storage.memory.leases import held
from services.engine.storage.memory.tables import SessionRow, Tables, TaskRow, TimerRow

_RESERVE_SECONDS = 10


class MemoryDue:
    """The part of the task board that looks at the clock."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def overdue(self) -> Sequence[tuple[Held, Literal["execution", "idle", "queue"]]]:
        """Return open tasks that are out of time, and which time it was."""
        now = self._tables.clock.now()
        found: list[tuple[Held, Literal["execution", "idle", "queue"]]] = []
        for task in self._tables.open_tasks.values():
            if task.status is TaskStatus.IN_PROGRESS and _is_past(task.execute_by, now):
                found.append((held(task, self._session_of(task), now), "execution"))
            elif task.status is TaskStatus.IN_PROGRESS and _is_past(task.idle_by, now):
                found.append((held(task, self._session_of(task), now), "idle"))
            elif task.status is TaskStatus.PENDING and _is_past(task.queue_by, now):
                found.append((held(task, None, now), "queue"))
        return found

    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        """Return timers whose time has come, and reserve them briefly."""
        now = self._tables.clock.now()
        due = [row for row in self._tables.timers.values() if row.due_at <= now and not _is_reserved(row, now)]
        due = [row for row in due if row.name != ADMISSION_TIMER]
        due.sort(key=lambda row: row.due_at)
        for row in due[:limit]:
            row.reserved_until = now + timedelta(seconds=_RESERVE_SECONDS)
        return [DueTimer(row.key, row.name, row.generation) for row in due[:limit]]

    async def drop_timer(self, timer: DueTimer) -> None:
        """Forget a timer that has become pointless."""
        row = self._tables.timers.get((timer.key, timer.name))
        if row is not None and row.generation == timer.generation:
            del self._tables.timers[timer.key, timer.name]

    def _session_of(self, task: TaskRow) -> SessionRow | None:
        return None if task.session_id is None else self._tables.sessions.get(task.session_id)


def _is_past(time: datetime | None, now: datetime) -> bool:
    return time is not None and time < now


def _is_reserved(row: TimerRow, now: datetime) -> bool:
    return row.reserved_until is not None and row.reserved_until >= now
