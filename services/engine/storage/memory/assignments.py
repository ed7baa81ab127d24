"""Gives tasks out, and takes those back that nobody accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from archwright.language.model import Priority
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import Claimed, Depth, Picky, Slot
from services.engine.storage.codec import PRIORITY_NUMBER
from services.engine.storage.memory.tables import Tables, TaskRow


class MemoryAssignments:
    """The part of the task board that deals with deliveries."""

    def __init__(self, tables: Tables, *, accept_seconds: float) -> None:
        self._tables = tables
        self._accept_seconds = accept_seconds

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        """Assign a tenant's tasks that wait in a queue to the slots: the most urgent first, then the oldest."""
        waiting = [task for task in self._waiting() if task.queue == queue and task.key.tenant == tenant]
        waiting.sort(key=lambda task: (-_urgency(task.priority), task.created_at, task.order))
        return [self._assign(task, slot) for task, slot in zip(waiting, slots, strict=False)]

    async def accept(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries were accepted; their time runs from now."""
        for fence in fences:
            task = self._tables.open_tasks.get(fence.task_id)
            if task is not None and task.status is TaskStatus.ASSIGNED and task.lease_id == fence.lease_id:
                task.status = TaskStatus.IN_PROGRESS
                task.accepted_at, task.accept_by = self._tables.clock.now(), None
                task.execute_by = self._tables.until(task.timeout_seconds)
                self._begin_idle_time(task)

    async def note_progress(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries are being worked on: their idle time begins anew."""
        for fence in fences:
            task = self._tables.open_tasks.get(fence.task_id)
            if task is not None and task.status is TaskStatus.IN_PROGRESS and task.lease_id == fence.lease_id:
                self._begin_idle_time(task)

    async def waiting_queues(self) -> Sequence[tuple[str, str]]:
        """Return the queues in which tasks wait, each with the tenant whose tasks they are."""
        return list(dict.fromkeys((task.key.tenant, task.queue) for task in self._waiting()))

    async def depths(self, tenant: str) -> Sequence[Depth]:
        """Return how many of a tenant's tasks wait for agents, by queue, the most first."""
        waiting: defaultdict[str, list[datetime]] = defaultdict(list)
        for task in self._tables.open_tasks.values():
            if task.status is TaskStatus.PENDING and task.key.tenant == tenant:
                waiting[task.queue].append(task.created_at)
        found = [Depth(queue, len(since), min(since)) for queue, since in waiting.items()]
        return sorted(found, key=lambda depth: (-depth.waiting, depth.queue))

    async def picky(self) -> Sequence[Picky]:
        """Return waiting tasks whose steps said what to do when no agent is there."""
        return [
            Picky(task.key, task.task_id, task.step, task.queue)
            for task in self._tables.open_tasks.values()
            if task.status is TaskStatus.PENDING and task.on_unavailable
        ]

    async def give_back(self, fence: Fence, *, after_seconds: float) -> None:
        """Let a task that was delivered in vain wait for another agent."""
        task = self._tables.open_tasks.get(fence.task_id)
        if task is not None and task.lease_id == fence.lease_id:
            task.wait_again()
            task.execute_by, task.not_before = None, self._tables.until(after_seconds)

    async def redeliver_unaccepted(self) -> int:
        """Let tasks whose agent did not accept in time wait for another; return how many."""
        now, count = self._tables.clock.now(), 0
        for task in self._tables.open_tasks.values():
            if task.status is TaskStatus.ASSIGNED and task.accept_by is not None and task.accept_by < now:
                task.wait_again()
                count += 1
        return count

    def _waiting(self) -> Iterator[TaskRow]:
        now = self._tables.clock.now()
        for task in self._tables.open_tasks.values():
            if task.status is TaskStatus.PENDING and (task.not_before is None or task.not_before <= now):
                yield task

    def _begin_idle_time(self, task: TaskRow) -> None:
        task.idle_by = None if task.idle_seconds is None else self._tables.until(task.idle_seconds)

    def _assign(self, task: TaskRow, slot: Slot) -> Claimed:
        task.status = TaskStatus.ASSIGNED
        task.attempt += 1
        task.lease_id, task.session_id = slot.lease_id, slot.session_id
        task.assigned_at, task.accept_by = self._tables.clock.now(), self._tables.until(self._accept_seconds)
        task.accepted_at = task.execute_by = task.idle_by = None
        return Claimed(
            key=task.key,
            task_id=task.task_id,
            step=task.step,
            priority=task.priority,
            attempt=task.attempt,
            lease_id=slot.lease_id,
            session_id=slot.session_id,
            timeout_seconds=task.timeout_seconds,
        )


def _urgency(priority: Priority) -> int:
    return PRIORITY_NUMBER[priority]
