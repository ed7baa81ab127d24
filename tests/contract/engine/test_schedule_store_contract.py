"""What every store of schedules does, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from archwright import ids
from archwright.errors import LimitReached, RequestIdReused, ScheduleNameTaken, ScheduleNotFound
from services.engine.domain.schedule import Overlap, Progress, Schedule, Target
from services.engine.domain.schedule_timing import Cron, Interval
from services.engine.ports.keys import AuditRow
from services.engine.ports.schedules import SCHEDULES_MAX, Request, Schedules
from services.engine.storage.database import Database
from services.engine.storage.memory.schedules import MemorySchedules
from services.engine.storage.schedules import PostgresSchedules

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOLD_SECONDS = 2.0


@pytest.fixture(scope="module")
def schedules_dsn(database: Any) -> str:
    return str(database.dsn("archwright_engine"))


@pytest.fixture(params=["postgres", "memory"])
async def store(request: pytest.FixtureRequest, schedules_dsn: str, database: Any) -> AsyncIterator[Schedules]:
    if request.param == "memory":
        yield MemorySchedules()
        return
    pool = Database(schedules_dsn, pool_max=4)
    yield PostgresSchedules(pool)
    await pool.close()
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("TRUNCATE engine.schedules, engine.audit")
    await owner.close()


def schedule(name: str = "hourly", tenant: str = "acme", **changes: Any) -> Schedule:
    made = Schedule(
        tenant=tenant,
        schedule_id=ids.show("sched", ids.new_uuid()),
        name=name,
        target=Target("report", "stable", {"kind": "short", "parts": [1, 2.5, None]}, "at"),
        timing=Interval(3600, 60),
        overlap=Overlap.SKIP,
        paused=False,
        note="",
        created_at=NOON - HOUR,
        created_by="ann",
        progress=Progress(next_fire_at=NOON),
    )
    return replace(made, **changes)


def asked(request_id: str = "", body: bytes = b"body") -> Request:
    return Request(request_id or ids.show("req", ids.new_uuid()), body)


def audit() -> AuditRow:
    return AuditRow(ids.new_uuid(), NOON, "ann", "CreateSchedule", "schedules", "ok", "127.0.0.1", "test")


async def create(store: Schedules, *made: Schedule) -> None:
    for each in made:
        await store.create(each, asked(), audit())


async def due(store: Schedules, now: datetime = NOON, limit: int = 100) -> list[str]:
    return sorted(each.name for each in await store.take_due(now, limit=limit, hold_seconds=HOLD_SECONDS))


@pytest.mark.parametrize("timing", [Interval(3600, 60), Cron("0 6 * * MON-FRI", "Europe/Berlin")])
async def test_a_schedule_comes_back_as_it_was_made(store: Schedules, timing: Cron | Interval) -> None:
    made = schedule(timing=timing, overlap=Overlap.CANCEL_PREVIOUS, paused=True, note="not yet")

    assert await store.create(made, asked(), audit()) == made
    assert await store.get("acme", "hourly") == made


async def test_one_request_makes_one_schedule(store: Schedules) -> None:
    first = await store.create(schedule(), asked("once"), audit())

    again = await store.create(schedule(), asked("once"), audit())

    assert again == first
    assert len(await store.list("acme", limit=10, after="")) == 1


async def test_what_a_request_made_is_known_also_when_it_is_deleted(store: Schedules) -> None:
    made = await store.create(schedule(), asked("once"), audit())
    await store.delete("acme", "hourly", "r1", NOON, audit())

    assert await store.made_by("acme", asked("once")) == made
    assert await store.made_by("acme", asked("never")) is None
    assert await store.made_by("globex", asked("once")) is None
    with pytest.raises(RequestIdReused, match="once"):
        await store.made_by("acme", asked("once", b"another"))


async def test_a_request_with_another_body_is_refused(store: Schedules) -> None:
    await store.create(schedule(), asked("once"), audit())

    with pytest.raises(RequestIdReused, match="once"):
        await store.create(schedule("other"), asked("once", b"another"), audit())


async def test_a_name_is_taken_once_in_each_tenant(store: Schedules) -> None:
    await create(store, schedule(), schedule(tenant="globex"))

    with pytest.raises(ScheduleNameTaken, match="hourly"):
        await create(store, schedule())


async def test_what_is_not_there_is_named(store: Schedules) -> None:
    await create(store, schedule(tenant="globex"))

    with pytest.raises(ScheduleNotFound, match="hourly"):
        await store.get("acme", "hourly")
    with pytest.raises(ScheduleNotFound, match="hourly"):
        await store.set_paused("acme", "hourly", paused=True, note="", audit=audit())
    with pytest.raises(ScheduleNotFound, match="hourly"):
        await store.delete("acme", "hourly", "r", NOON, audit())


async def test_a_list_is_by_name_and_goes_on_after_one(store: Schedules) -> None:
    await create(store, *(schedule(name) for name in ("c", "a", "b_2", "b-1")), schedule("z", tenant="globex"))

    assert [each.name for each in await store.list("acme", limit=3, after="")] == ["a", "b-1", "b_2"]
    assert [each.name for each in await store.list("acme", limit=3, after="b_2")] == ["c"]


async def test_pausing_changes_nothing_but_the_pause(store: Schedules) -> None:
    made = schedule()
    await create(store, made)

    paused = await store.set_paused("acme", "hourly", paused=True, note="holidays", audit=audit())
    resumed = await store.set_paused("acme", "hourly", paused=False, note="", audit=audit())

    assert paused == replace(made, paused=True, note="holidays")
    assert resumed == made


async def test_a_deleted_schedule_is_gone_and_its_name_is_free(store: Schedules) -> None:
    await create(store, schedule())

    await store.delete("acme", "hourly", "r1", NOON, audit())

    assert not await store.list("acme", limit=10, after="")
    assert await due(store) == []
    await create(store, schedule())


async def test_deleting_again_by_the_same_request_spares_what_was_made_since(store: Schedules) -> None:
    await create(store, schedule())
    await store.delete("acme", "hourly", "r1", NOON, audit())
    await create(store, schedule())

    await store.delete("acme", "hourly", "r1", NOON, audit())

    assert await store.get("acme", "hourly")


async def test_deleting_again_by_another_request_finds_nothing(store: Schedules) -> None:
    await create(store, schedule())
    await store.delete("acme", "hourly", "r1", NOON, audit())

    with pytest.raises(ScheduleNotFound):
        await store.delete("acme", "hourly", "r2", NOON, audit())


async def test_what_is_left_of_deleted_schedules_is_removed_in_time(store: Schedules) -> None:
    await create(store, schedule("old"), schedule("young"), schedule("alive"))
    await store.delete("acme", "old", "r1", NOON, audit())
    await store.delete("acme", "young", "r2", NOON + HOUR, audit())

    assert await store.forget_deleted(NOON + HOUR) == 1
    assert await store.forget_deleted(NOON + 2 * HOUR) == 1
    assert await store.get("acme", "alive")


async def test_those_whose_time_has_come_are_due_in_every_tenant(store: Schedules) -> None:
    await create(
        store,
        schedule("mine"),
        schedule("theirs", tenant="globex"),
        schedule("early", progress=Progress(next_fire_at=NOON + timedelta(seconds=1))),
        schedule("over", progress=Progress(next_fire_at=None)),
        schedule("paused", paused=True),
    )

    assert await due(store) == ["mine", "paused", "theirs"]


async def test_one_with_a_queue_is_due_unless_it_is_paused(store: Schedules) -> None:
    queued = Progress(next_fire_at=NOON + HOUR, queued_fire_at=NOON - HOUR)
    await create(store, schedule("waiting", progress=queued), schedule("paused", paused=True, progress=queued))

    assert await due(store) == ["waiting"]


async def test_what_is_due_is_given_to_one_at_a_time(store: Schedules) -> None:
    await create(store, schedule())

    assert await due(store) == ["hourly"]
    assert await due(store) == []
    assert await due(store, NOON + timedelta(seconds=HOLD_SECONDS)) == ["hourly"]


async def test_no_hold_outlasts_the_time_of_a_firing_to_come(store: Schedules) -> None:
    soon = NOON + timedelta(seconds=1)
    await create(store, schedule(progress=Progress(next_fire_at=soon, queued_fire_at=NOON - HOUR)))

    assert await due(store) == ["hourly"]
    assert await due(store) == []
    assert await due(store, soon) == ["hourly"]


async def test_no_more_than_the_limit_is_given_and_the_longest_due_first(store: Schedules) -> None:
    await create(
        store, *(schedule(f"s{n}", progress=Progress(next_fire_at=NOON - n * timedelta(minutes=1))) for n in range(3))
    )

    assert await due(store, limit=2) == ["s1", "s2"]
    assert await due(store) == ["s0"]


async def test_an_advance_replaces_the_progress_once(store: Schedules) -> None:
    made = schedule()
    await create(store, made)
    workflow_id = ids.show("wf", ids.new_uuid())
    after = Progress(
        next_fire_at=NOON + HOUR,
        queued_fire_at=NOON,
        last_fire_at=NOON,
        workflow_ids=(workflow_id,),
        skipped=3,
        last_problem="none",
    )

    assert await store.advance(made, after)
    assert not await store.advance(made, Progress(next_fire_at=NOON + 2 * HOUR))
    assert (await store.get("acme", "hourly")).progress == after


async def test_an_advance_frees_the_schedule_for_its_next_firing(store: Schedules) -> None:
    made = schedule()
    await create(store, made)
    await due(store)

    await store.advance(made, Progress(next_fire_at=NOON + timedelta(seconds=1)))

    assert await due(store, NOON + timedelta(seconds=1)) == ["hourly"]


async def test_a_pause_and_a_firing_do_not_overwrite_each_other(store: Schedules) -> None:
    made = schedule()
    await create(store, made)

    await store.set_paused("acme", "hourly", paused=True, note="holidays", audit=audit())
    assert await store.advance(made, Progress(next_fire_at=NOON + HOUR))

    found = await store.get("acme", "hourly")
    assert (found.paused, found.note, found.progress.next_fire_at) == (True, "holidays", NOON + HOUR)


async def test_a_deleted_schedule_does_not_advance(store: Schedules) -> None:
    made = schedule()
    await create(store, made)
    await store.delete("acme", "hourly", "r1", NOON, audit())

    assert not await store.advance(made, Progress(next_fire_at=NOON + HOUR))


async def test_a_tenant_has_no_more_schedules_than_it_may(store: Schedules) -> None:
    await create(store, *(schedule(f"s{n}") for n in range(SCHEDULES_MAX)))

    with pytest.raises(LimitReached, match="1000"):
        await create(store, schedule("one-more"))
    await create(store, schedule("one-more", tenant="globex"))
    assert len(await store.list("acme", limit=2_000, after="")) == SCHEDULES_MAX
