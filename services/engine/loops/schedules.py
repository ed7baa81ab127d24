"""Fires schedules whose time has come.

A firing and its start cannot share a transaction, for starts are committed in batches of their own. So the start
comes first and the schedule advances after it, by compare-and-set on the time that fired. Whoever dies between the
two leaves the schedule due: the next one starts the same request, is told of the workflow that it has, and advances.
Nothing is lost and nothing starts twice, however many replicas fire at once; holding a due schedule for a moment
only spares them the work.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from archwright import ids
from archwright.errors import Exhausted, Unavailable
from services.chassis.clock import Clock
from services.engine.domain.schedule import Advance, Progress, Schedule, Start, Wait, decide_firing, failed, started
from services.engine.ports.history import History
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.schedules import Schedules
from services.engine.scheduled_starts import ScheduledStarts, Unstartable

log = structlog.get_logger(__name__)

_FIRED_AT_ONCE_MAX = 200
_HOLD_SECONDS = 2.0
_DELETED_KEPT = timedelta(hours=24)


class FiringSchedules:
    """Fires what is due, of all tenants."""

    def __init__(self, schedules: Schedules, starts: ScheduledStarts, history: History, clock: Clock) -> None:
        self._schedules = schedules
        self._starts = starts
        self._history = history
        self._clock = clock

    async def step(self) -> None:
        """Fire everything that is due now."""
        while True:
            now = self._clock.now()
            due = await self._schedules.take_due(now, limit=_FIRED_AT_ONCE_MAX, hold_seconds=_HOLD_SECONDS)
            async with asyncio.TaskGroup() as firings:
                for schedule in due:
                    firings.create_task(self._fire_alone(schedule))
            if len(due) < _FIRED_AT_ONCE_MAX:
                return

    async def forget_deleted(self) -> None:
        """Remove what is left of schedules that were deleted so long ago that nobody repeats the call."""
        await self._schedules.forget_deleted(self._clock.now() - _DELETED_KEPT)

    async def _fire_alone(self, schedule: Schedule) -> None:
        """Fire a schedule so that its failure costs the others nothing; it is due again after the hold."""
        try:
            await self._fire(schedule)
        except (Unavailable, Exhausted) as error:
            log.warning("firing_put_off", schedule_id=schedule.schedule_id, error=error.message)
        except Exception:  # the top of one schedule's firing, which must not stop those of others
            log.exception("firing_failed", schedule_id=schedule.schedule_id)

    async def _fire(self, schedule: Schedule) -> None:
        now = self._clock.now()
        match decide_firing(schedule, now, previous_under_way=await self._is_under_way(schedule)):
            case Start() as wanted:
                progress = await self._start(schedule, wanted)
            case Advance(progress):
                if progress.last_problem and progress.skipped > schedule.progress.skipped:
                    log.info("firing_skipped", schedule_id=schedule.schedule_id, reason=progress.last_problem)
            case Wait():
                return
        if not await self._schedules.advance(schedule, progress):
            log.info("firing_done_by_another", schedule_id=schedule.schedule_id)

    async def _start(self, schedule: Schedule, wanted: Start) -> Progress:
        audit = self._audit(schedule)
        try:
            if wanted.cancels:
                await self._starts.cancel(schedule, wanted.cancels, wanted.fire_at, audit)
            [firing] = await self._starts.start(schedule, [wanted.fire_at], audit)
        except Unstartable as problem:
            log.warning("firing_started_nothing", schedule_id=schedule.schedule_id, problem=str(problem))
            return failed(schedule, wanted.fire_at, str(problem), self._clock.now())
        log.info("schedule_fired", schedule_id=schedule.schedule_id, workflow_id=firing.workflow_id, anew=firing.anew)
        return started(schedule, wanted.fire_at, firing.workflow_id, self._clock.now())

    def _audit(self, schedule: Schedule) -> AuditRow:
        """Return the row that records what a firing does, in the name of whoever made the schedule."""
        return AuditRow(
            event_id=ids.new_uuid(),
            at=self._clock.now(),
            user_id=schedule.created_by,
            action="FireSchedule",
            resource=f"schedules/{schedule.name}",
            result="ok",
            ip_address="",
            user_agent="",
        )

    async def _is_under_way(self, schedule: Schedule) -> bool:
        """Return whether the workflow that the schedule started last has not ended."""
        if not schedule.previous:
            return False
        found = await self._history.summary(Key(schedule.tenant, schedule.previous))
        return found is not None and not found.workflow.status.is_final
