"""Schedules, as they are kept and as they come due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.engine.domain.schedule import Progress, Schedule
from services.engine.ports.keys import AuditRow

SCHEDULES_MAX = 1_000
"""How many schedules a tenant may have."""


@dataclass(frozen=True, slots=True)
class Request:
    """The call that makes a schedule, so that its repetition is known: same id and same body, same answer."""

    request_id: str
    body_hash: bytes


class Schedules(Protocol):
    """The schedules of tenants. What callers set and what firing changes are written apart."""

    async def create(self, schedule: Schedule, request: Request, audit: AuditRow) -> Schedule:
        """Keep a schedule; return the one that this request made before, if it did.

        Raises ScheduleNameTaken, RequestIdReused, or LimitReached when the tenant has too many.
        """
        ...

    async def made_by(self, tenant: str, request: Request) -> Schedule | None:
        """Return the schedule that this request made before. Raises RequestIdReused when its body was another."""
        ...

    async def get(self, tenant: str, name: str) -> Schedule:
        """Return a schedule. Raises ScheduleNotFound."""
        ...

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[Schedule]:
        """Return schedules whose name sorts after `after`, by name."""
        ...

    async def set_paused(self, tenant: str, name: str, *, paused: bool, note: str, audit: AuditRow) -> Schedule:
        """Pause a schedule or let it go on; doing so twice changes nothing more. Raises ScheduleNotFound."""
        ...

    async def delete(self, tenant: str, name: str, request_id: str, now: datetime, audit: AuditRow) -> None:
        """Forget a schedule. Raises ScheduleNotFound, unless this very request has deleted it before."""
        ...

    async def forget_deleted(self, before: datetime) -> int:
        """Remove what is left of schedules that were deleted before; return of how many."""
        ...

    async def take_due(self, now: datetime, *, limit: int, hold_seconds: float) -> Sequence[Schedule]:
        """Return schedules of all tenants that have something to do at `now`, and hold them so long for the caller.

        Due is one whose next firing has come, and one that has a firing in its queue and is not paused. No hold
        outlasts the time of a firing to come.
        """
        ...

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        """Replace the progress that `schedule` shows, unless somebody else has; return whether it was replaced."""
        ...
