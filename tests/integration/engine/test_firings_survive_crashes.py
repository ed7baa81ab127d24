"""A firing dies at each of its seams, on a real database, and is taken up by another replica: it starts once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from archwright import ids
from services.chassis.clock import ManualClock, SystemClock
from services.chassis.loops import forever
from services.engine.admission import Admission
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import Dispatch
from services.engine.domain.breaker import BreakerConfig
from services.engine.domain.commands import CancelWorkflow
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target, told
from services.engine.domain.schedule_timing import Interval
from services.engine.domain.transitions import WorkflowStatus
from services.engine.live import Feed
from services.engine.loops.committer import Committer
from services.engine.loops.schedules import FiringSchedules
from services.engine.memory import Memory
from services.engine.ports.commands import Asked
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.schedules import Request
from services.engine.roster import FollowedRoster
from services.engine.scheduled_starts import Firing, ScheduledStarts
from services.engine.sessions import Sessions
from services.engine.starts import Starts
from services.engine.storage.breakers import PostgresBreakers
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.database import Database
from services.engine.storage.quota import PostgresQuota
from services.engine.storage.schedules import PostgresSchedules
from services.engine.storage.store import PostgresStore

TENANT = "acme"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLD_SECONDS = 5.0
SOURCE = "name: waits\nsteps:\n  - {name: only, agent: nobody}\n"


class Died(BaseException):
    """The process ended here."""


class DiesBeforeItAdvances(PostgresSchedules):
    """The schedules of a replica that dies after its start, before it says so."""

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        raise Died


class DiesOnceItHasAdvanced(PostgresSchedules):
    """The schedules of a replica that dies right after it has advanced."""

    async def advance(self, schedule: Schedule, progress: Progress) -> bool:
        assert await super().advance(schedule, progress)
        raise Died


class NeverHolds(PostgresSchedules):
    """The schedules of a replica that leaves what it works on to everybody else at the same time."""

    async def take_due(self, now: datetime, *, limit: int, hold_seconds: float) -> Sequence[Schedule]:
        return await super().take_due(now, limit=limit, hold_seconds=0)


class DiesBeforeItStarts(ScheduledStarts):
    """The starts of a replica that dies before it starts anything, after cancelling what it must."""

    async def start(self, schedule: Schedule, fire_times: Sequence[datetime], audit: AuditRow) -> list[Firing]:
        raise Died


class Replica:
    """Everything of an engine that firing takes, on a clock that is wound."""

    def __init__(
        self,
        dsn: str,
        clock: ManualClock,
        *,
        schedules: type[PostgresSchedules] = PostgresSchedules,
        starts: type[ScheduledStarts] = ScheduledStarts,
    ) -> None:
        self.database = Database(dsn, pool_max=4)
        self.clock = clock
        replica_id, own_clock = ids.new_uuid(), SystemClock()
        self.store = PostgresStore(self.database, replica_id, accept_seconds=5.0)
        memory, sessions, feed, roster = Memory(100), Sessions(), Feed(), FollowedRoster()
        gate = BreakerGate(PostgresBreakers(self.database), own_clock, BreakerConfig())
        dispatch = Dispatch(sessions, roster, gate, own_clock, trust_seconds=1.0)
        assigner = Assigner(self.store, memory, dispatch, sessions, feed, own_clock)
        admission = Admission(PostgresQuota(self.database, replica_id), workflows_max=100_000, queue_depth_max=100)
        self._committer = Committer(
            self.store, memory, [admission], assigner, own_clock, batch_max=100, queue_max=1_000
        )
        self.catalogue = Catalogue(self.database)
        all_starts = Starts(self._committer, self.store, self.catalogue, admission, clock)
        self.schedules = schedules(self.database)
        self.firing = FiringSchedules(
            self.schedules, starts(all_starts, self._committer, self.catalogue, clock), self.store, clock
        )

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Replica]:
        async with asyncio.TaskGroup() as duties:
            commits = duties.create_task(forever("commit", self._committer.step, pause=0, clock=SystemClock()))
            yield self
            commits.cancel()
        await self.database.close()

    async def fire(self) -> None:
        """Look once for what is due, and die where it is to die."""
        try:
            await self.firing.step()
        except* Died:
            pass

    async def cancel(self, workflow_id: str) -> None:
        await self._committer.submit(Asked(Key(TENANT, workflow_id), CancelWorkflow(NOON, "ann", "enough")))

    async def progress(self) -> Progress:
        return (await self.schedules.get(TENANT, "hourly")).progress

    async def status(self, workflow_id: str) -> WorkflowStatus:
        found = await self.store.summary(Key(TENANT, workflow_id))
        assert found is not None
        return found.workflow.status


@pytest.fixture
async def dsn(database: Any) -> AsyncIterator[str]:
    yield database.dsn("archwright_engine")
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("TRUNCATE engine.schedules, engine.workflows, engine.history, engine.open_tasks, engine.timers")
    await owner.close()


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def replica(dsn: str, clock: ManualClock) -> AsyncIterator[Replica]:
    """A replica that lives on."""
    async with Replica(dsn, clock).up() as found:
        await found.catalogue.publish(TENANT, SOURCE, "ann", audit())
        yield found


def audit() -> AuditRow:
    return AuditRow(ids.new_uuid(), NOON, "ann", "CreateSchedule", "schedules", "ok", "127.0.0.1", "test")


async def create(replica: Replica, overlap: Overlap = Overlap.SKIP) -> Schedule:
    schedule = Schedule(
        tenant=TENANT,
        schedule_id=ids.show("sched", ids.new_uuid()),
        name="hourly",
        target=Target("waits", "", {}, "at"),
        timing=Interval(3600),
        overlap=overlap,
        paused=False,
        note="",
        created_at=NOON,
        created_by="ann",
        progress=Progress(next_fire_at=NOON),
    )
    return await replica.schedules.create(schedule, Request(ids.show("req", ids.new_uuid()), b""), audit())


async def fired(database: Any) -> list[str]:
    """Return the time of the firing of each workflow that there is."""
    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch("SELECT request_id FROM engine.workflows ORDER BY request_id")
    await owner.close()
    return [row["request_id"].partition("/")[2] for row in rows]


@pytest.mark.parametrize(
    "death",
    [{"starts": DiesBeforeItStarts}, {"schedules": DiesBeforeItAdvances}, {"schedules": DiesOnceItHasAdvanced}],
    ids=["before its start", "between its start and its advance", "after its advance"],
)
@pytest.mark.parametrize("overlap", list(Overlap))
async def test_a_firing_that_dies_is_taken_up_and_starts_once(
    replica: Replica, dsn: str, clock: ManualClock, database: Any, death: dict[str, Any], overlap: Overlap
) -> None:
    await create(replica, overlap)
    async with Replica(dsn, clock, **death).up() as dying:
        await dying.fire()
    await clock.wind(HOLD_SECONDS)

    await replica.fire()

    assert await fired(database) == [told(NOON)]
    progress = await replica.progress()
    assert (progress.next_fire_at, progress.last_fire_at, progress.skipped) == (NOON + HOUR, NOON, 0)
    [workflow_id] = progress.workflow_ids
    assert await replica.status(workflow_id) is WorkflowStatus.RUNNING


async def test_replicas_that_fire_at_once_start_once(
    replica: Replica, dsn: str, clock: ManualClock, database: Any
) -> None:
    await create(replica)
    async with (
        Replica(dsn, clock, schedules=NeverHolds).up() as one,
        Replica(dsn, clock, schedules=NeverHolds).up() as other,
    ):
        await asyncio.gather(*(each.fire() for each in (one, other) for _ in range(3)))

    assert await fired(database) == [told(NOON)]
    assert (await replica.progress()).next_fire_at == NOON + HOUR


async def test_a_replica_that_dies_between_cancelling_and_starting_leaves_the_start_to_another(
    replica: Replica, dsn: str, clock: ManualClock, database: Any
) -> None:
    await create(replica, Overlap.CANCEL_PREVIOUS)
    await replica.fire()
    [first] = (await replica.progress()).workflow_ids
    await clock.wind(HOUR.total_seconds())
    async with Replica(dsn, clock, starts=DiesBeforeItStarts).up() as dying:
        await dying.fire()
    assert await replica.status(first) is WorkflowStatus.CANCELLED
    await clock.wind(HOLD_SECONDS)

    await replica.fire()

    assert await fired(database) == [told(NOON), told(NOON + HOUR)]
    second, before = (await replica.progress()).workflow_ids
    assert before == first
    assert await replica.status(second) is WorkflowStatus.RUNNING


async def test_a_queued_firing_that_dies_after_its_start_starts_once(
    replica: Replica, dsn: str, clock: ManualClock, database: Any
) -> None:
    await create(replica, Overlap.QUEUE)
    await replica.fire()
    [first] = (await replica.progress()).workflow_ids
    await clock.wind(HOUR.total_seconds())
    await replica.fire()
    assert (await replica.progress()).queued_fire_at == NOON + HOUR
    await replica.cancel(first)
    await clock.wind(HOLD_SECONDS)
    async with Replica(dsn, clock, schedules=DiesBeforeItAdvances).up() as dying:
        await dying.fire()
    await clock.wind(HOLD_SECONDS)

    await replica.fire()

    assert await fired(database) == [told(NOON), told(NOON + HOUR)]
    progress = await replica.progress()
    assert (progress.queued_fire_at, progress.next_fire_at) == (None, NOON + 2 * HOUR)
    assert len(progress.workflow_ids) == 2
