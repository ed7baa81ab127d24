"""Rule 28: a firing is a request of its own, advances its schedule by compare-and-set, and makes up for one time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from one_replica import replica_on
from storages import TENANT, PostgresStorage

from archwright import ids
from services.chassis.clock import ManualClock
from services.engine.admission import Admission
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target, started, told
from services.engine.domain.schedule_timing import Cron, Interval, firings_between
from services.engine.loops.schedules import FiringSchedules
from services.engine.ports.schedules import Request
from services.engine.scheduled_starts import ScheduledStarts
from services.engine.starts import Starts
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.schedules import PostgresSchedules

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Firing:
    """A replica that fires schedules."""

    storage: PostgresStorage
    clock: ManualClock

    @property
    def schedules(self) -> PostgresSchedules:
        return PostgresSchedules(self.storage.database)

    async def fire(self) -> None:
        """Fire what is due."""
        replica, catalogue = replica_on(self.storage), Catalogue(self.storage.database)
        admission = Admission(self.storage.quota, workflows_max=100, queue_depth_max=100)
        starts = Starts(replica.committer, self.storage.store, catalogue, admission, self.clock)
        scheduled = ScheduledStarts(starts, replica.committer, catalogue, self.clock)
        firing = FiringSchedules(self.schedules, scheduled, self.storage.store, self.clock)
        async with asyncio.TaskGroup() as group:
            await replica.commit_all(group.create_task(firing.step()))

    async def create(self) -> Schedule:
        """Keep a schedule that is due at noon and then every hour."""
        schedule = Schedule(
            tenant=TENANT,
            schedule_id=ids.show("sched", ids.new_uuid()),
            name="hourly",
            target=Target("chain", "", {"topic": "tea"}, ""),
            timing=Interval(3600),
            overlap=Overlap.SKIP,
            paused=False,
            note="",
            created_at=NOON,
            created_by="ann",
            progress=Progress(next_fire_at=NOON),
        )
        return await self.schedules.create(
            schedule, Request(ids.show("req", ids.new_uuid()), b""), self.storage.audit_row()
        )


@pytest.fixture
async def firing(storage: PostgresStorage, owner: Any) -> AsyncIterator[Firing]:
    yield Firing(storage, ManualClock(NOON))
    await owner.execute("TRUNCATE engine.schedules, engine.workflows, engine.history")


async def test_of_five_times_that_were_missed_one_is_made_up_for_under_its_own_request(
    firing: Firing, owner: Any
) -> None:
    schedule = await firing.create()
    await firing.clock.wind(5 * HOUR.total_seconds() + 60)

    await firing.fire()
    await firing.fire()

    requests = [row["request_id"] for row in await owner.fetch("SELECT request_id FROM engine.workflows")]
    assert requests == [f"{schedule.schedule_id}/{told(NOON)}"]
    assert (await firing.schedules.get(TENANT, "hourly")).progress.next_fire_at == NOON + 6 * HOUR


async def test_of_two_replicas_that_advance_one_schedule_one_does(
    firing: Firing, other_storage: PostgresStorage
) -> None:
    schedule = await firing.create()
    places = (firing.schedules, PostgresSchedules(other_storage.database))
    progress = [started(schedule, NOON, ids.show("wf", ids.new_uuid()), NOON) for _ in places]

    advanced = await asyncio.gather(
        *(place.advance(schedule, each) for place, each in zip(places, progress, strict=True))
    )

    assert sorted(advanced) == [False, True]
    winner = progress[advanced.index(True)]
    assert (await firing.schedules.get(TENANT, "hourly")).progress.workflow_ids == winner.workflow_ids


async def test_an_hour_that_the_clock_leaves_out_or_repeats_fires_a_daily_schedule_once() -> None:
    daily = Cron("30 2 * * *", "Europe/Berlin")

    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        assert len(firings_between(daily, day, day + timedelta(hours=20), limit=10)) == 1
