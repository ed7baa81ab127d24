"""Schedules in memory: the twin of those in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from archwright.errors import LimitReached, RequestIdReused, ScheduleNameTaken, ScheduleNotFound
from services.engine.domain.schedule import Progress, Schedule
from services.engine.ports.keys import AuditRow
from services.engine.ports.schedules import SCHEDULES_MAX, Request


@dataclass(slots=True)
class _Row:
    """A schedule, with the columns that only storage knows."""

    schedule: Schedule
    request: Request
    reserved_until: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by_request: str = ""


class MemorySchedules:
    """The schedules of all tenants."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self.audit: list[tuple[str, AuditRow]] = []
        """With the tenant of each."""

    async def create(self, schedule: Schedule, request: Request, audit: AuditRow) -> Schedule:
        """Keep a schedule; return the one that this request made before, if it did.

        Raises ScheduleNameTaken, RequestIdReused, or LimitReached when the tenant has too many.
        """
        made = await self.made_by(schedule.tenant, request)
        if made is not None:
            return made
        alive = [row.schedule.name for row in self._alive(schedule.tenant)]
        if schedule.name in alive:
            raise ScheduleNameTaken.named(schedule.name)
        if len(alive) >= SCHEDULES_MAX:
            raise LimitReached(f"A tenant may have {SCHEDULES_MAX} schedules. Delete one first.")
        self._rows.append(_Row(schedule, request))
        self.audit.append((schedule.tenant, audit))
        return schedule

    async def made_by(self, tenant: str, request: Request) -> Schedule | None:
        """Return the schedule that this request made before. Raises RequestIdReused when its body was another."""
        for row in self._rows:
            if (row.schedule.tenant, row.request.request_id) == (tenant, request.request_id):
                if row.request.body_hash != request.body_hash:
                    raise RequestIdReused(
                        f"request_id {request.request_id!r} has made another schedule. Use a new one, or leave it out.",
                        facts={"request_id": request.request_id},
                    )
                return row.schedule
        return None

    async def get(self, tenant: str, name: str) -> Schedule:
        """Return a schedule. Raises ScheduleNotFound."""
        return self._row(tenant, name).schedule

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[Schedule]:
        """Return schedules whose name sorts after `after`, by name."""
        found = [row.schedule for row in self._alive(tenant) if row.schedule.name > after]
        return sorted(found, key=lambda schedule: schedule.name)[:limit]

    async def set_paused(self, tenant: str, name: str, *, paused: bool, note: str, audit: AuditRow) -> Schedule:
        """Pause a schedule or let it go on; doing so twice changes nothing more. Raises ScheduleNotFound."""
        row = self._row(tenant, name)
        row.schedule = replace(row.schedule, paused=paused, note=note)
        self.audit.append((tenant, audit))
        return row.schedule

    async def delete(self, tenant: str, name: str, request_id: str, now: datetime, audit: AuditRow) -> None:
        """Forget a schedule. Raises ScheduleNotFound, unless this very request has deleted it before."""
        if any(
            (row.schedule.tenant, row.schedule.name, row.deleted_by_request) == (tenant, name, request_id)
            for row in self._rows
            if row.deleted_at is not None
        ):
            return
        row = self._row(tenant, name)
        row.deleted_at, row.deleted_by_request = now, request_id
        self.audit.append((tenant, audit))

    async def forget_deleted(self, before: datetime) -> int:
        """Remove what is left of schedules that were deleted before; return of how many."""
        kept = [row for row in self._rows if row.deleted_at is None or row.deleted_at >= before]
        forgotten = len(self._rows) - len(kept)
        self._rows = kept
        return forgotten

    async def take_due(self, now: datetime, *, limit: int, hold_seconds: float) -> Sequence[Schedule]:
        """Return schedules of all tenants that have something to do at `now`, and hold them so long for the caller.

        Due is one whose next firing has come, and one that has a firing in its queue and is not paused. No hold
        outlasts the time of a firing to come.
        """
        due = [row for row in self._alive() if _is_due(row, now)]
        taken = sorted(
            due, key=lambda row: row.schedule.progress.next_fire_at or datetime.max.replace(tzinfo=now.tzinfo)
        )
        for row in taken[:limit]:
            held, coming = now + timedelta(seconds=hold_seconds), row.schedule.progress.next_fire_at
            row.reserved_until = min(held, coming) if coming is not None and coming > now else held
        return [row.schedule for row in taken[:limit]]

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        """Replace the progress that `schedule` shows, unless somebody else has; return whether it was replaced."""
        for row in self._alive(schedule.tenant):
            if row.schedule.schedule_id == schedule.schedule_id and _times(row.schedule) == _times(schedule):
                row.schedule = replace(row.schedule, progress=progress)
                row.reserved_until = None
                return True
        return False

    def _alive(self, tenant: str = "") -> Iterator[_Row]:
        for row in self._rows:
            if row.deleted_at is None and (not tenant or row.schedule.tenant == tenant):
                yield row

    def _row(self, tenant: str, name: str) -> _Row:
        for row in self._alive(tenant):
            if row.schedule.name == name:
                return row
        raise ScheduleNotFound.named(name)


def _is_due(row: _Row, now: datetime) -> bool:
    if row.reserved_until is not None and row.reserved_until > now:
        return False
    progress = row.schedule.progress
    if progress.queued_fire_at is not None and not row.schedule.paused:
        return True
    return progress.next_fire_at is not None and progress.next_fire_at <= now


def _times(schedule: Schedule) -> tuple[datetime | None, datetime | None]:
    """Return what an advance compares."""
    return schedule.progress.next_fire_at, schedule.progress.queued_fire_at
