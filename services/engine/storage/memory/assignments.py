"""Gives tasks out, and takes those back that nobody accepted."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archwright.language.model import Priority
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import Claimed, Slot
from services.engine.storage.codec import PRIORITY_NUMBER
from services.engine.storage.memory.tables import Tables, TaskRow

_PLATFORM = "platform"


class MemoryAssignments:
    """The part of the task board that deals with deliveries."""

    def __init__(self, tables: Tables, *, accept_seconds: float) -> None:
        self._tables = tables
        self._accept_seconds = accept_seconds

    async def claim(self, agent_type: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        """Assign waiting tasks to the slots: the most urgent first, then the oldest."""
        now = self._tables.clock.now()
        waiting = [
            task
            for task in self._tables.open_tasks.values()
            if task.status is TaskStatus.PENDING
            and task.agent_type == agent_type
            and tenant in (_PLATFORM, task.key.tenant)
            and (task.not_before is None or task.not_before <= now)
        ]
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

    def _assign(self, task: TaskRow, slot: Slot) -> Claimed:
        task.status = TaskStatus.ASSIGNED
        task.attempt += 1
        task.lease_id, task.session_id = slot.lease_id, slot.session_id
        task.assigned_at, task.accept_by = self._tables.clock.now(), self._tables.until(self._accept_seconds)
        task.accepted_at = task.execute_by = None
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
