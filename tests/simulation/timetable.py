"""Schedules that fire while there is trouble, and must go on firing once it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archwright import ids
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target
from services.engine.domain.schedule_timing import Interval, next_firing
from services.engine.ports.keys import AuditRow
from services.engine.ports.schedules import Request
from tests.simulation.callers import SECRETS
from tests.simulation.trouble import Trouble
from tests.simulation.virtual_loop import VirtualClock
from tests.simulation.watched_storage import WatchedSchedules

_DEFINITIONS = ("chain", "short", "spare", "hasty", "both")
_FLOW_SECONDS_MAX = 30.0
_LOOK_SECONDS = 0.5


@dataclass
class Timetable:
    """Whoever makes schedules, pauses them and lets them go on."""

    schedules: WatchedSchedules
    trouble: Trouble
    clock: VirtualClock
    tell: Callable[[str], None]

    async def make(self) -> None:
        """Make one schedule or two."""
        chance = self.trouble.chance
        for number in range(chance.randrange(1, 3)):
            schedule = self._drawn(f"schedule-{number}")
            self.tell(f"{schedule.name} starts {schedule.target.definition} every {schedule.timing}")
            await self.schedules.create(schedule, Request(schedule.name, b""), self._audit("CreateSchedule"))

    async def meddle(self) -> None:
        """Now and then pause a schedule, or let it go on."""
        chance = self.trouble.chance
        while True:
            await asyncio.sleep(0.5 + chance.random() * 3.0)  # noqa: TID251  virtual
            if self.trouble.is_over:
                return
            await self._set_paused(chance.choice(self.schedules.kept), chance.random() < 0.4)

    async def end(self) -> list[str]:
        """See that every schedule goes on after the trouble, end them, and return what was wrong."""
        began = self.clock.now()
        for schedule in self.schedules.kept:
            await self._set_paused(schedule, False)
        until = self.clock.monotonic() + _FLOW_SECONDS_MAX
        while (late := self._not_fired_since(began)) and self.clock.monotonic() < until:  # noqa: ASYNC110  virtual
            await asyncio.sleep(_LOOK_SECONDS)  # noqa: TID251  virtual
        for schedule in self.schedules.kept:
            await self._set_paused(schedule, True)
        return [f"I11 {name} has not fired for {_FLOW_SECONDS_MAX:.0f} s after the last fault" for name in late]

    def _not_fired_since(self, moment: datetime) -> list[str]:
        coming = [(each.name, each.progress.next_fire_at) for each in self.schedules.kept]
        return [name for name, at in coming if at is not None and at <= moment]

    def _drawn(self, name: str) -> Schedule:
        chance, now = self.trouble.chance, self.clock.now()
        tenant = chance.choice(tuple(SECRETS))
        timing = Interval(chance.randrange(1, 6))
        target = Target(chance.choice(_DEFINITIONS), "", {"number": 1, "told": SECRETS[tenant]}, "at")
        return Schedule(
            tenant=tenant,
            schedule_id=ids.show("sched", ids.new_uuid()),
            name=name,
            target=target,
            timing=timing,
            overlap=chance.choice(tuple(Overlap)),
            paused=False,
            note="",
            created_at=now,
            created_by="ann",
            progress=Progress(next_firing(timing, now)),
        )

    async def _set_paused(self, schedule: Schedule, paused: bool) -> None:
        audit = self._audit("PauseSchedule" if paused else "ResumeSchedule")
        await self.schedules.set_paused(schedule.tenant, schedule.name, paused=paused, note="", audit=audit)

    def _audit(self, action: str) -> AuditRow:
        return AuditRow(ids.new_uuid(), self.clock.now(), "ann", action, "schedules", "ok", "127.0.0.1", "simulation")
