"""Sessions of agents, and the leases that keep what they hold."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from archwright import ids
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import Held
from services.engine.storage.memory.tables import SessionRow, Tables, TaskRow

_FORGET_SECONDS = 60


class MemoryLeases:
    """The part of the task board that deals with sessions."""

    def __init__(self, tables: Tables, *, lease_seconds: float) -> None:
        self._tables = tables
        self._lease_seconds = lease_seconds

    async def open_session(
        self, session_id: uuid.UUID, agent_id: str, agent_type: str, tenant: str, keeping: Collection[Fence]
    ) -> tuple[Sequence[Held], Sequence[Held]]:
        """Begin a session and end the agent's older ones.

        Return which of `keeping` the new session holds now, and what the older ones held that it does not.
        """
        tables = self._tables
        older = {
            row.session_id: row for row in tables.sessions.values() if (row.tenant, row.agent_id) == (tenant, agent_id)
        }
        expires_at = tables.until(self._lease_seconds)
        tables.sessions[session_id] = SessionRow(session_id, agent_id, agent_type, tenant, expires_at)
        kept: list[Held] = []
        for fence in keeping:
            task = tables.open_tasks.get(fence.task_id)
            if task is not None and task.session_id in older and _is_of(task, fence):
                task.session_id = session_id
                kept.append(held(task, tables.sessions[session_id], tables.clock.now()))
        left: list[Held] = []
        for task in self._held_by(older):
            if task.status is TaskStatus.ASSIGNED:
                # What was sent but never accepted goes to the next agent, and is charged to nobody.
                task.wait_again()
            else:
                left.append(held(task, tables.sessions[session_id], tables.clock.now(), task.session_id))
        for row in older.values():
            row.closed = True
        return kept, left

    async def pull_session(
        self, agent_id: str, agent_type: str, tenant: str
    ) -> tuple[uuid.UUID, Sequence[Fence], Sequence[Held]]:
        """Return the session of an agent that holds no stream open, begun or renewed just now, and what it holds.

        No replica serves such a session, so any may be asked each time. Where it was begun, the agent's streams end;
        last comes what they held.
        """
        for row in self._tables.sessions.values():
            if row.is_pulling and not row.closed and (row.tenant, row.agent_id) == (tenant, agent_id):
                row.expires_at = self._tables.until(self._lease_seconds)
                tasks = self._held_by({row.session_id})
                return row.session_id, [Fence(task.task_id, task.attempt, task.lease_id) for task in tasks], ()
        session_id = ids.new_uuid()
        _, left = await self.open_session(session_id, agent_id, agent_type, tenant, ())
        self._tables.sessions[session_id].is_pulling = True
        return session_id, (), left

    async def held_by(self, tenant: str, agent_id: str, fence: Fence) -> Held | None:
        """Return what an agent holds under this fence, its lease renewed where no stream does that; None if nothing."""
        task = self._tables.open_tasks.get(fence.task_id)
        if task is None or task.session_id is None or not _is_of(task, fence):
            return None
        row = self._tables.sessions.get(task.session_id)
        if row is None or row.closed or (row.tenant, row.agent_id) != (tenant, agent_id):
            return None
        if row.is_pulling:
            row.expires_at = self._tables.until(self._lease_seconds)
        return held(task, row, self._tables.clock.now())

    async def tenant_of_work(self, agent_tenant: str, agent_id: str, workflow_id: str) -> str | None:
        """Return whose workflow it is that the agent holds a task of; None when it holds none."""
        for task in self._tables.open_tasks.values():
            session = None if task.session_id is None else self._tables.sessions.get(task.session_id)
            if session is None or task.key.workflow_id != workflow_id:
                continue
            if (session.tenant, session.agent_id) == (agent_tenant, agent_id):
                return task.key.tenant
        return None

    async def renew(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Lengthen the leases of sessions that are still open; return them, each with the leases it holds."""
        leases: dict[uuid.UUID, set[uuid.UUID]] = {}
        for session_id in session_ids:
            row = self._tables.sessions.get(session_id)
            if row is not None and not row.closed:
                row.expires_at = self._tables.until(self._lease_seconds)
                leases[session_id] = set()
        for task in self._held_by(leases):
            if task.session_id is not None and task.lease_id is not None:
                leases[task.session_id].add(task.lease_id)
        return leases

    async def leases(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Return the leases that sessions hold; a session that holds none is left out."""
        leases: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        for task in self._held_by(session_ids):
            if task.session_id is not None and task.lease_id is not None:
                leases[task.session_id].add(task.lease_id)
        return leases

    async def expire(self) -> Sequence[Held]:
        """Close sessions whose lease is over and return what closed sessions still hold."""
        tables, now = self._tables, self._tables.clock.now()
        # A database that was down must not cost every agent its tasks: nothing expires until it was up for a lease.
        if tables.started_at < now - timedelta(seconds=self._lease_seconds):
            for row in tables.sessions.values():
                row.closed = row.closed or row.expires_at <= now
        closed = {row.session_id: row for row in tables.sessions.values() if row.closed}
        found: list[Held] = []
        for task in self._held_by(closed):
            if task.status is TaskStatus.ASSIGNED:
                task.wait_again()
            elif task.session_id is not None:
                found.append(held(task, closed[task.session_id], now, task.session_id))
        holding = {task.session_id for task in tables.open_tasks.values()}
        old = now - timedelta(seconds=_FORGET_SECONDS)
        for row in closed.values():
            if row.expires_at < old and row.session_id not in holding:
                del tables.sessions[row.session_id]
        return found

    async def close_session(self, session_id: uuid.UUID) -> None:
        """Forget a session that holds nothing."""
        if not any(self._held_by({session_id})):
            self._tables.sessions.pop(session_id, None)

    def _held_by(self, session_ids: Collection[uuid.UUID]) -> Iterator[TaskRow]:
        for task in list(self._tables.open_tasks.values()):
            if task.session_id is not None and task.session_id in session_ids:
                yield task


def held(task: TaskRow, session: SessionRow | None, now: datetime, session_id: uuid.UUID | None = None) -> Held:
    """Return who holds a task, and since when; with the session's id, where the fence is to name it."""
    fence = Fence(task.task_id, task.attempt, task.lease_id, session_id)
    agent_id, agent_type = ("", "") if session is None else (session.agent_id, session.agent_type)
    seconds = 0.0 if task.assigned_at is None else (now - task.assigned_at).total_seconds()
    return Held(task.key, task.step, agent_id, fence, agent_type, seconds)


def _is_of(task: TaskRow, fence: Fence) -> bool:
    return (task.attempt, task.lease_id) == (fence.attempt, fence.lease_id)
