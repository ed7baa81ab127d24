"""Who works on what: open tasks and the sessions that hold them.

Nothing here touches a workflow's own row: granting, accepting and renewing change only tasks and sessions.
Everything that ends an attempt goes through a commit. All times are the database's.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import asyncpg

from archwright import ids
from services.engine.ports.keys import Fence, Key
from services.engine.ports.task_board import Claimed, Depth, DueTimer, Held, Picky, Slot
from services.engine.storage.codec import PRIORITY_OF_NUMBER
from services.engine.storage.database import Database

_RESERVE_SECONDS = 10

_SECONDS = "coalesce(extract(epoch FROM now() - t.assigned_at), 0)::double precision AS seconds"
"""How long ago a task was given to whoever holds it."""

_KEEP = f"""
UPDATE engine.open_tasks AS t SET session_id = $1
  FROM unnest($2::uuid[], $3::integer[], $4::uuid[]) AS k (task_id, attempt, lease_id),
       engine.sessions AS s
 WHERE t.task_id = k.task_id AND t.attempt = k.attempt AND t.lease_id = k.lease_id
   AND s.session_id = t.session_id AND s.agent_id = $5 AND s.tenant_id = $6
RETURNING t.tenant_id, t.workflow_id, t.task_id, t.step, t.attempt, t.lease_id, s.agent_id, s.agent_type,
          {_SECONDS}
"""  # noqa: S608 -- a column of ours

_NOBODY = uuid.UUID(int=0)
"""The replica of sessions that no replica serves: those of agents that pull."""

# With the session comes a row for each task that it holds, or one without a task.
_RENEW_PULLING = """
WITH pulling AS (
  UPDATE engine.sessions SET expires_at = now() + make_interval(secs => $4)
   WHERE tenant_id = $1 AND agent_id = $2 AND replica_id = $3 AND NOT closed
  RETURNING session_id
)
SELECT pulling.session_id, t.task_id, t.attempt, t.lease_id
  FROM pulling LEFT JOIN engine.open_tasks AS t USING (session_id)
"""

_HELD_UNDER = f"""
WITH held AS MATERIALIZED (
  SELECT t.tenant_id, t.workflow_id, t.task_id, t.step, t.attempt, t.lease_id, s.agent_id, s.agent_type, s.session_id,
         s.replica_id, {_SECONDS}
    FROM engine.open_tasks AS t JOIN engine.sessions AS s USING (session_id)
   WHERE t.task_id = $1 AND t.attempt = $2 AND t.lease_id = $3 AND s.tenant_id = $4 AND s.agent_id = $5 AND NOT s.closed
), renewed AS (
  UPDATE engine.sessions AS s SET expires_at = now() + make_interval(secs => $7)
    FROM held WHERE s.session_id = held.session_id AND held.replica_id = $6
)
SELECT * FROM held
"""  # noqa: S608 -- a column of ours

_HELD_BY_OLDER = f"""
SELECT t.tenant_id, t.workflow_id, t.task_id, t.step, t.attempt, t.lease_id, t.session_id, s.agent_id, s.agent_type,
       {_SECONDS}
  FROM engine.sessions AS s JOIN engine.open_tasks AS t USING (session_id)
 WHERE s.tenant_id = $1 AND s.agent_id = $2 AND s.session_id <> $3
"""  # noqa: S608 -- a column of ours

_RENEW = """
UPDATE engine.sessions SET expires_at = now() + make_interval(secs => $2)
 WHERE session_id = ANY($1::uuid[]) AND NOT closed
RETURNING session_id
"""

_LEASES = "SELECT session_id, lease_id FROM engine.open_tasks WHERE session_id = ANY($1::uuid[])"

# A database that was down must not cost every agent its tasks: nothing expires until it has been up for a lease.
_CLOSE_EXPIRED = """
UPDATE engine.sessions SET closed = true
 WHERE expires_at <= now() AND NOT closed AND pg_postmaster_start_time() < now() - make_interval(secs => $1)
"""

_HELD_BY_CLOSED = f"""
SELECT t.tenant_id, t.workflow_id, t.task_id, t.step, t.attempt, t.lease_id, t.session_id, s.agent_id, s.agent_type,
       {_SECONDS}
  FROM engine.sessions AS s JOIN engine.open_tasks AS t USING (session_id)
 WHERE s.closed
"""  # noqa: S608 -- a column of ours

_FORGET_CLOSED = """
DELETE FROM engine.sessions AS s
 WHERE s.closed AND s.expires_at < now() - make_interval(secs => 60)
   AND NOT EXISTS (SELECT FROM engine.open_tasks AS t WHERE t.session_id = s.session_id)
"""

_CLAIM = """
WITH slot AS (
  SELECT session_id, lease_id, ord FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS s (session_id, lease_id, ord)
), picked AS MATERIALIZED (
  SELECT tenant_id, task_id, priority, created_at FROM engine.open_tasks
   WHERE status = 1 AND queue = $1 AND tenant_id = $2
     AND (not_before IS NULL OR not_before <= now())
   ORDER BY priority DESC, created_at LIMIT cardinality($3::uuid[])
   FOR UPDATE SKIP LOCKED
), numbered AS (
  SELECT tenant_id, task_id, row_number() OVER (ORDER BY priority DESC, created_at) AS ord FROM picked
)
UPDATE engine.open_tasks AS t
   SET status = 2, attempt = t.attempt + 1, lease_id = slot.lease_id, session_id = slot.session_id,
       assigned_at = now(), accept_by = now() + make_interval(secs => $5), accepted_at = NULL, execute_by = NULL,
       idle_by = NULL
  FROM numbered JOIN slot USING (ord)
 WHERE t.tenant_id = numbered.tenant_id AND t.task_id = numbered.task_id
RETURNING t.tenant_id, t.workflow_id, t.task_id, t.step, t.priority, t.attempt, t.lease_id, t.session_id,
  t.timeout_seconds
"""

_ACCEPT = """
WITH taken AS MATERIALIZED (
  SELECT t.tenant_id, t.task_id
    FROM unnest($1::uuid[], $2::uuid[]) AS f (task_id, lease_id)
    JOIN engine.open_tasks AS t ON t.task_id = f.task_id AND t.lease_id = f.lease_id
   WHERE t.status = 2 ORDER BY t.task_id FOR UPDATE OF t
)
UPDATE engine.open_tasks AS t
   SET status = 3, accepted_at = now(), accept_by = NULL, execute_by = now() + make_interval(secs => t.timeout_seconds),
       idle_by = now() + make_interval(secs => t.idle_seconds)
  FROM taken WHERE t.tenant_id = taken.tenant_id AND t.task_id = taken.task_id
"""

_AGAIN = "status = 1, lease_id = NULL, session_id = NULL, assigned_at = NULL, accept_by = NULL, accepted_at = NULL"

# What was sent but never accepted goes to the next agent, and is charged to nobody.
_RETURN_OLDER = f"""
UPDATE engine.open_tasks AS t SET {_AGAIN} FROM engine.sessions AS s
 WHERE s.session_id = t.session_id AND t.status = 2 AND s.tenant_id = $1 AND s.agent_id = $2 AND s.session_id <> $3
"""  # noqa: S608 -- a list of columns of ours

_RETURN_CLOSED = f"""
UPDATE engine.open_tasks AS t SET {_AGAIN} FROM engine.sessions AS s
 WHERE s.session_id = t.session_id AND t.status = 2 AND s.closed
"""  # noqa: S608 -- likewise

_GIVE_BACK = f"""
UPDATE engine.open_tasks SET {_AGAIN}, execute_by = NULL, not_before = now() + make_interval(secs => $3)
 WHERE task_id = $1 AND lease_id = $2
"""  # noqa: S608 -- a list of columns of ours

_REDELIVER = f"UPDATE engine.open_tasks SET {_AGAIN} WHERE status = 2 AND accept_by < now()"  # noqa: S608 -- likewise

_OVERDUE = f"""
SELECT t.tenant_id, t.workflow_id, t.task_id, t.step, t.attempt, t.lease_id, t.status,
       coalesce(s.agent_id, '') AS agent_id, coalesce(s.agent_type, '') AS agent_type,
       t.execute_by < now() AS is_late, {_SECONDS}
  FROM engine.open_tasks AS t LEFT JOIN engine.sessions AS s USING (session_id)
 WHERE (t.status = 3 AND (t.execute_by < now() OR t.idle_by < now())) OR (t.status = 1 AND t.queue_by < now())
 LIMIT 500
"""  # noqa: S608 -- a column of ours

_PROGRESS = """
UPDATE engine.open_tasks AS t SET idle_by = now() + make_interval(secs => t.idle_seconds)
  FROM unnest($1::uuid[], $2::uuid[]) AS f (task_id, lease_id)
 WHERE t.task_id = f.task_id AND t.lease_id = f.lease_id AND t.status = 3 AND t.idle_seconds IS NOT NULL
"""

_DEPTHS = """
SELECT queue, count(*)::integer AS waiting, min(created_at) AS oldest_at FROM engine.open_tasks
 WHERE status = 1 AND tenant_id = $1 GROUP BY queue ORDER BY waiting DESC, queue
"""

_WAITING_QUEUES = """
SELECT DISTINCT tenant_id, queue FROM engine.open_tasks
 WHERE status = 1 AND (not_before IS NULL OR not_before <= now())
"""

_PICKY = """
SELECT tenant_id, workflow_id, task_id, step, queue FROM engine.open_tasks
 WHERE status = 1 AND on_unavailable LIMIT 500
"""

_DUE_TIMERS = """
WITH due AS MATERIALIZED (
  SELECT tenant_id, workflow_id, name FROM engine.timers
   WHERE due_at <= now() AND name <> 'admit' AND (reserved_until IS NULL OR reserved_until < now())
   ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE engine.timers AS m SET reserved_until = now() + make_interval(secs => $2)
  FROM due WHERE m.tenant_id = due.tenant_id AND m.workflow_id = due.workflow_id AND m.name = due.name
RETURNING m.tenant_id, m.workflow_id, m.name, m.generation
"""


class TaskBoard:
    """The task board in PostgreSQL."""

    def __init__(
        self, database: Database, replica_id: uuid.UUID, *, lease_seconds: float, accept_seconds: float
    ) -> None:
        self._database = database
        self._replica_id = replica_id
        self._lease_seconds = lease_seconds
        self._accept_seconds = accept_seconds

    async def open_session(
        self, session_id: uuid.UUID, agent_id: str, agent_type: str, tenant: str, keeping: Collection[Fence]
    ) -> tuple[Sequence[Held], Sequence[Held]]:
        """Begin a session and end the agent's older ones.

        Return which of `keeping` the new session holds now, and what the older ones held that it does not.
        """
        async with self._database.loops() as connection, connection.transaction():
            return await self._open_session(
                connection, session_id, agent_id, agent_type, tenant, keeping, self._replica_id
            )

    async def _open_session(
        self,
        connection: asyncpg.Connection[Any],
        session_id: uuid.UUID,
        agent_id: str,
        agent_type: str,
        tenant: str,
        keeping: Collection[Fence],
        replica_id: uuid.UUID,
    ) -> tuple[Sequence[Held], Sequence[Held]]:
        await connection.execute(
            "INSERT INTO engine.sessions (session_id, agent_id, agent_type, tenant_id, replica_id, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
            session_id,
            agent_id,
            agent_type,
            tenant,
            replica_id,
            self._lease_seconds,
        )
        kept = await connection.fetch(
            _KEEP,
            session_id,
            [ids.read("task", fence.task_id) for fence in keeping],
            [fence.attempt for fence in keeping],
            [fence.lease_id for fence in keeping],
            agent_id,
            tenant,
        )
        await connection.execute(_RETURN_OLDER, tenant, agent_id, session_id)
        left = await connection.fetch(_HELD_BY_OLDER, tenant, agent_id, session_id)
        await connection.execute(
            "UPDATE engine.sessions SET closed = true "
            "WHERE tenant_id = $1 AND agent_id = $2 AND session_id <> $3 AND NOT closed",
            tenant,
            agent_id,
            session_id,
        )
        return (
            [_held(row, None) for row in kept],
            [_held(row, row["session_id"]) for row in left],
        )

    async def pull_session(
        self, agent_id: str, agent_type: str, tenant: str
    ) -> tuple[uuid.UUID, Sequence[Fence], Sequence[Held]]:
        """Return the session of an agent that holds no stream open, begun or renewed just now, and what it holds.

        No replica serves such a session, so any may be asked each time. Where it was begun, the agent's streams end;
        last comes what they held.
        """
        async with self._database.loops() as connection:
            found = await self._renew_pulling(connection, agent_id, tenant)
        if found is not None:
            return *found, ()
        session_id = ids.new_uuid()
        async with self._database.loops() as connection, connection.transaction():
            # Of calls that come at once one begins the session: two would end each other, with what they were given.
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"pull {tenant}/{agent_id}"
            )
            found = await self._renew_pulling(connection, agent_id, tenant)
            if found is not None:
                return *found, ()
            _, left = await self._open_session(connection, session_id, agent_id, agent_type, tenant, (), _NOBODY)
        return session_id, (), left

    async def _renew_pulling(
        self, connection: asyncpg.Connection[Any], agent_id: str, tenant: str
    ) -> tuple[uuid.UUID, Sequence[Fence]] | None:
        rows = await connection.fetch(_RENEW_PULLING, tenant, agent_id, _NOBODY, self._lease_seconds)
        if not rows:
            return None
        tasks = [row for row in rows if row["task_id"] is not None]
        fences = [Fence(ids.show("task", row["task_id"]), row["attempt"], row["lease_id"]) for row in tasks]
        return rows[0]["session_id"], fences

    async def held_by(self, tenant: str, agent_id: str, fence: Fence) -> Held | None:
        """Return what an agent holds under this fence, its lease renewed where no stream does that; None if nothing."""
        async with self._database.loops() as connection:
            row = await connection.fetchrow(
                _HELD_UNDER,
                ids.read("task", fence.task_id),
                fence.attempt,
                fence.lease_id,
                tenant,
                agent_id,
                _NOBODY,
                self._lease_seconds,
            )
        return None if row is None else _held(row, None)

    async def tenant_of_work(self, agent_tenant: str, agent_id: str, workflow_id: str) -> str | None:
        """Return whose workflow it is that the agent holds a task of; None when it holds none."""
        async with self._database.loops() as connection:
            found: str | None = await connection.fetchval(
                "SELECT t.tenant_id FROM engine.sessions AS s JOIN engine.open_tasks AS t USING (session_id) "
                "WHERE s.tenant_id = $1 AND s.agent_id = $2 AND t.workflow_id = $3 LIMIT 1",
                agent_tenant,
                agent_id,
                ids.read("wf", workflow_id),
            )
        return found

    async def renew(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Lengthen the leases of sessions that are still open; return them, each with the leases it holds."""
        async with self._database.loops() as connection:
            renewed = await connection.fetch(_RENEW, list(session_ids), self._lease_seconds)
            leases: dict[uuid.UUID, set[uuid.UUID]] = {row["session_id"]: set() for row in renewed}
            for row in await connection.fetch(_LEASES, list(leases)):
                leases[row["session_id"]].add(row["lease_id"])
        return leases

    async def leases(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Return the leases that sessions hold; a session that holds none is left out."""
        leases: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        async with self._database.loops() as connection:
            for row in await connection.fetch(_LEASES, list(session_ids)):
                leases[row["session_id"]].add(row["lease_id"])
        return leases

    async def expire(self) -> Sequence[Held]:
        """Close sessions whose lease is over and return what closed sessions still hold."""
        async with self._database.loops() as connection:
            await connection.execute(_CLOSE_EXPIRED, self._lease_seconds)
            await connection.execute(_RETURN_CLOSED)
            held = await connection.fetch(_HELD_BY_CLOSED)
            await connection.execute(_FORGET_CLOSED)
        return [_held(row, row["session_id"]) for row in held]

    async def close_session(self, session_id: uuid.UUID) -> None:
        """Forget a session that holds nothing."""
        async with self._database.loops() as connection:
            await connection.execute(
                "DELETE FROM engine.sessions AS s WHERE s.session_id = $1 "
                "AND NOT EXISTS (SELECT FROM engine.open_tasks AS t WHERE t.session_id = s.session_id)",
                session_id,
            )

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        """Assign waiting tasks to the slots: the most urgent first, then the oldest."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(
                _CLAIM,
                queue,
                tenant,
                [slot.session_id for slot in slots],
                [slot.lease_id for slot in slots],
                self._accept_seconds,
            )
        return [
            Claimed(
                key=Key(row["tenant_id"], ids.show("wf", row["workflow_id"])),
                task_id=ids.show("task", row["task_id"]),
                step=row["step"],
                priority=PRIORITY_OF_NUMBER[row["priority"]],
                attempt=row["attempt"],
                lease_id=row["lease_id"],
                session_id=row["session_id"],
                timeout_seconds=row["timeout_seconds"],
            )
            for row in rows
        ]

    async def accept(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries were accepted; their time runs from now."""
        async with self._database.loops() as connection:
            await connection.execute(
                _ACCEPT, [ids.read("task", fence.task_id) for fence in fences], [fence.lease_id for fence in fences]
            )

    async def give_back(self, fence: Fence, *, after_seconds: float) -> None:
        """Let a task that was delivered in vain wait for another agent."""
        async with self._database.loops() as connection:
            await connection.execute(_GIVE_BACK, ids.read("task", fence.task_id), fence.lease_id, after_seconds)

    async def redeliver_unaccepted(self) -> int:
        """Let tasks whose agent did not accept in time wait for another; return how many."""
        async with self._database.loops() as connection:
            status = await connection.execute(_REDELIVER)
        return int(status.rpartition(" ")[2])

    async def overdue(self) -> Sequence[tuple[Held, Literal["execution", "idle", "queue"]]]:
        """Return open tasks that are out of time, and which time it was."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_OVERDUE)
        return [(_held(row, None), _which(row)) for row in rows]

    async def note_progress(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries are being worked on: their idle time begins anew."""
        async with self._database.loops() as connection:
            await connection.execute(
                _PROGRESS, [ids.read("task", fence.task_id) for fence in fences], [fence.lease_id for fence in fences]
            )

    async def waiting_queues(self) -> Sequence[tuple[str, str]]:
        """Return the queues in which tasks wait, each with the tenant whose tasks they are."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_WAITING_QUEUES)
        return [(row["tenant_id"], row["queue"]) for row in rows]

    async def depths(self, tenant: str) -> Sequence[Depth]:
        """Return how many of a tenant's tasks wait for agents, by queue, the most first."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_DEPTHS, tenant)
        return [Depth(row["queue"], row["waiting"], row["oldest_at"]) for row in rows]

    async def picky(self) -> Sequence[Picky]:
        """Return waiting tasks whose steps said what to do when no agent is there."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_PICKY)
        return [
            Picky(
                Key(row["tenant_id"], ids.show("wf", row["workflow_id"])),
                ids.show("task", row["task_id"]),
                row["step"],
                row["queue"],
            )
            for row in rows
        ]

    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        """Return timers whose time has come, and reserve them briefly."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_DUE_TIMERS, limit, _RESERVE_SECONDS)
        return [
            DueTimer(Key(row["tenant_id"], ids.show("wf", row["workflow_id"])), row["name"], row["generation"])
            for row in rows
        ]

    async def drop_timer(self, timer: DueTimer) -> None:
        """Forget a timer that has become pointless."""
        async with self._database.loops() as connection:
            await connection.execute(
                "DELETE FROM engine.timers WHERE tenant_id = $1 AND workflow_id = $2 AND name = $3 AND generation = $4",
                timer.key.tenant,
                ids.read("wf", timer.key.workflow_id),
                timer.name,
                timer.generation,
            )


def _which(row: asyncpg.Record) -> Literal["execution", "idle", "queue"]:
    if row["status"] != 3:
        return "queue"
    return "execution" if row["is_late"] else "idle"


def _held(row: asyncpg.Record, session_id: uuid.UUID | None) -> Held:
    fence = Fence(ids.show("task", row["task_id"]), row["attempt"], row["lease_id"], session_id)
    key = Key(row["tenant_id"], ids.show("wf", row["workflow_id"]))
    return Held(key, row["step"], row["agent_id"], fence, row["agent_type"], row["seconds"])
