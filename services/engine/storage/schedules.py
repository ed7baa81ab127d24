"""Schedules in PostgreSQL.

Which are due is asked across tenants as the role of the loops, which may see when and not what; the schedules
themselves are then read as the engine, in the name of their tenants.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from archwright import ids
from archwright.errors import LimitReached, RequestIdReused, ScheduleNameTaken, ScheduleNotFound
from services.engine.domain.schedule import Progress, Schedule
from services.engine.ports.keys import AuditRow
from services.engine.ports.schedules import SCHEDULES_MAX, Request
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database
from services.engine.storage.schedule_rows import columns_of, progress_columns, schedule_of
from services.engine.storage.tables import schedules

_TAKE_DUE = """
WITH due AS MATERIALIZED (
  SELECT tenant_id, schedule_id FROM engine.schedules
   WHERE deleted_at IS NULL AND (reserved_until IS NULL OR reserved_until <= $1)
     AND (next_fire_at <= $1 OR (queued_fire_at IS NOT NULL AND NOT paused))
   ORDER BY next_fire_at
   LIMIT $2
     FOR UPDATE SKIP LOCKED
)
UPDATE engine.schedules AS s
   SET reserved_until = LEAST($3, CASE WHEN s.next_fire_at > $1 THEN s.next_fire_at END)
  FROM due WHERE s.tenant_id = due.tenant_id AND s.schedule_id = due.schedule_id
RETURNING s.tenant_id, s.schedule_id
"""
_FORGET_DELETED = "DELETE FROM engine.schedules WHERE deleted_at < $1"

_alive = schedules.c.deleted_at.is_(None)


class PostgresSchedules:
    """The schedules of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, schedule: Schedule, request: Request, audit: AuditRow) -> Schedule:
        """Keep a schedule; return the one that this request made before, if it did.

        Raises ScheduleNameTaken, RequestIdReused, or LimitReached when the tenant has too many.
        """
        added = insert(schedules).values(columns_of(schedule, request)).on_conflict_do_nothing()
        async with self._database.tenant(schedule.tenant) as connection:
            if not (await connection.execute(added)).rowcount:
                made = await _made_by(connection, schedule.tenant, request)
                if made is None:
                    raise ScheduleNameTaken.named(schedule.name)
                return made
            count = select(func.count()).where(schedules.c.tenant_id == schedule.tenant, _alive)
            if (await connection.execute(count)).scalar_one() > SCHEDULES_MAX:
                # Leaving the transaction by an error takes the row back.
                raise LimitReached(f"A tenant may have {SCHEDULES_MAX} schedules. Delete one first.")
            await append_audit(connection, schedule.tenant, audit)
        return schedule

    async def made_by(self, tenant: str, request: Request) -> Schedule | None:
        """Return the schedule that this request made before. Raises RequestIdReused when its body was another."""
        async with self._database.tenant(tenant) as connection:
            return await _made_by(connection, tenant, request)

    async def get(self, tenant: str, name: str) -> Schedule:
        """Return a schedule. Raises ScheduleNotFound."""
        async with self._database.tenant(tenant) as connection:
            return await _get(connection, tenant, name)

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[Schedule]:
        """Return schedules whose name sorts after `after`, by name."""
        asked = (
            select(schedules)
            .where(schedules.c.tenant_id == tenant, _alive, schedules.c.name.collate("C") > after)
            .order_by(schedules.c.name.collate("C"))
            .limit(limit)
        )
        async with self._database.tenant(tenant) as connection:
            return [schedule_of(row) for row in await connection.execute(asked)]

    async def set_paused(self, tenant: str, name: str, *, paused: bool, note: str, audit: AuditRow) -> Schedule:
        """Pause a schedule or let it go on; doing so twice changes nothing more. Raises ScheduleNotFound."""
        changed = update(schedules).where(_named(tenant, name)).values(paused=paused, note=note).returning(schedules)
        async with self._database.tenant(tenant) as connection:
            row = (await connection.execute(changed)).one_or_none()
            if row is None:
                raise ScheduleNotFound.named(name)
            await append_audit(connection, tenant, audit)
        return schedule_of(row)

    async def delete(self, tenant: str, name: str, request_id: str, now: datetime, audit: AuditRow) -> None:
        """Forget a schedule. Raises ScheduleNotFound, unless this very request has deleted it before."""
        deleted = update(schedules).where(_named(tenant, name)).values(deleted_at=now, deleted_by_request=request_id)
        repeated = select(schedules.c.schedule_id).where(
            schedules.c.tenant_id == tenant,
            schedules.c.name == name,
            schedules.c.deleted_by_request == request_id,
        )
        async with self._database.tenant(tenant) as connection:
            # Asked first: a repetition must not delete a new schedule that was given the name since.
            if (await connection.execute(repeated)).first() is not None:
                return
            if not (await connection.execute(deleted)).rowcount:
                raise ScheduleNotFound.named(name)
            await append_audit(connection, tenant, audit)

    async def forget_deleted(self, before: datetime) -> int:
        """Remove what is left of schedules that were deleted before; return of how many."""
        async with self._database.loops() as connection:
            return int((await connection.execute(_FORGET_DELETED, before)).rpartition(" ")[2])

    async def take_due(self, now: datetime, *, limit: int, hold_seconds: float) -> Sequence[Schedule]:
        """Return schedules of all tenants that have something to do at `now`, and hold them so long for the caller.

        Due is one whose next firing has come, and one that has a firing in its queue and is not paused. No hold
        outlasts the time of a firing to come.
        """
        async with self._database.loops() as connection:
            taken = await connection.fetch(_TAKE_DUE, now, limit, now + timedelta(seconds=hold_seconds))
        if not taken:
            return []
        keys = [(row["tenant_id"], row["schedule_id"]) for row in taken]
        asked = select(schedules).where(tuple_(schedules.c.tenant_id, schedules.c.schedule_id).in_(keys), _alive)
        async with self._database.tenant(*sorted({tenant for tenant, _ in keys})) as connection:
            return [schedule_of(row) for row in await connection.execute(asked)]

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        """Replace the progress that `schedule` shows, unless somebody else has; return whether it was replaced."""
        seen = schedule.progress
        changed = (
            update(schedules)
            .where(
                schedules.c.tenant_id == schedule.tenant,
                schedules.c.schedule_id == ids.read("sched", schedule.schedule_id),
                schedules.c.next_fire_at.is_not_distinct_from(seen.next_fire_at),
                schedules.c.queued_fire_at.is_not_distinct_from(seen.queued_fire_at),
                _alive,
            )
            .values(**progress_columns(progress), reserved_until=None)
        )
        async with self._database.tenant(schedule.tenant) as connection:
            return bool((await connection.execute(changed)).rowcount)


async def _made_by(connection: AsyncConnection, tenant: str, request: Request) -> Schedule | None:
    asked = select(schedules).where(schedules.c.tenant_id == tenant, schedules.c.request_id == request.request_id)
    row = (await connection.execute(asked)).one_or_none()
    if row is None:
        return None
    if row.request_hash != request.body_hash:
        raise RequestIdReused(
            f"request_id {request.request_id!r} has made another schedule. Use a new one, or leave it out.",
            facts={"request_id": request.request_id},
        )
    return schedule_of(row)


async def _get(connection: AsyncConnection, tenant: str, name: str) -> Schedule:
    row = (await connection.execute(select(schedules).where(_named(tenant, name)))).one_or_none()
    if row is None:
        raise ScheduleNotFound.named(name)
    return schedule_of(row)


def _named(tenant: str, name: str) -> Any:
    return (schedules.c.tenant_id == tenant) & (schedules.c.name == name) & _alive
