"""Schedules on a mesh of processes: they fire, overlap by their policy, and fire once however their engine dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from checker import Outside, violations
from checker.outages import faults
from small_mesh import SmallMesh

from archwright import Client, ids
from archwright.client.schedules import cron, every
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.engine.v1.schedules_pb2 import Schedule
from archwright.errors import ArchwrightError, DependencyUnavailable
from archwright.payloads import from_struct
from services.chassis.clock import SystemClock

QUICK = "name: quick\nsteps:\n  - {name: only, agent: worker, input: {seconds: 0.01, at: '${at}'}}\n"
SLOW = "name: slow\nsteps:\n  - {name: only, agent: worker, input: {seconds: 2.5}}\n"
NEVER = "name: never\nsteps:\n  - {name: only, agent: nobody}\n"
SECONDS_MAX = 40.0
PAUSE_SECONDS = 0.05


@pytest.fixture(scope="module")
async def mesh(shared_mesh: SmallMesh) -> SmallMesh:
    await shared_mesh.add_agent("worker")
    return shared_mesh


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is so: other processes make it so."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await is_so():
            await SystemClock().sleep(PAUSE_SECONDS)


async def until_fired(client: Client, name: str, times: int) -> Schedule:
    async def has_fired() -> bool:
        return len((await client.schedules.get(name)).workflow_ids) >= times

    await until(has_fired)
    return await client.schedules.get(name)


async def stop(client: Client, name: str) -> Schedule:
    """Pause a schedule, wait for a firing that was under way, and return it as it is then."""
    await client.schedules.pause(name)
    await SystemClock().sleep(1.0)
    return await client.schedules.get(name)


async def fire_times(owner_dsn: str, schedule_id: str) -> list[str]:
    """Return the time of the firing of each workflow that a schedule has, as its request_id names it."""
    owner = await asyncpg.connect(owner_dsn)
    rows = await owner.fetch(
        "SELECT request_id FROM engine.workflows WHERE starts_with(request_id, $1) ORDER BY request_id", schedule_id
    )
    await owner.close()
    return [row["request_id"].partition("/")[2] for row in rows]


def now() -> datetime:
    return SystemClock().now()


async def test_a_schedule_fires_and_its_workflows_finish(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(QUICK)
        made = await client.schedules.create("often", "quick", {}, every(1), time_field="at")

        fired = await until_fired(client, "often", 3)
        stopped = await stop(client, "often")
        ended = [await client.wait(workflow_id) for workflow_id in stopped.workflow_ids]

    assert {workflow.status for workflow in ended} == {pb.Workflow.COMPLETED}
    assert made.next_fire_at.seconds > made.created_at.seconds - 1
    times = [from_struct(workflow.input)["at"] for workflow in ended]
    assert times == sorted(set(times), reverse=True)
    assert {workflow.user_id for workflow in ended} == {"ann"}
    assert {workflow.session_id for workflow in ended} == {"schedule/often"}
    assert not fired.last_problem


async def test_a_paused_schedule_starts_nothing_until_it_is_resumed(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(NEVER)
        await client.schedules.create("held", "never", {}, every(1), paused=True, note="not yet")
        await SystemClock().sleep(2.5)
        held = await client.schedules.get("held")

        await client.schedules.resume("held", "now")
        resumed_at = now()
        fired = await until_fired(client, "held", 1)

    assert (held.paused, held.note, len(held.workflow_ids)) == (True, "not yet", 0)
    assert not held.HasField("next_fire_at")
    assert not held.last_problem
    assert fired.last_fire_at.seconds >= int(resumed_at.timestamp()) - 1
    assert fired.note == "now"


async def test_skip_starts_nothing_while_a_workflow_is_under_way(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(NEVER)
        await client.schedules.create("skipping", "never", {}, every(1))

        async def has_skipped() -> bool:
            return (await client.schedules.get("skipping")).skipped >= 2

        await until(has_skipped)
        found = await client.schedules.get("skipping")
        [first] = found.workflow_ids
        await client.cancel(first)
        fired = await until_fired(client, "skipping", 2)

    assert first in found.last_problem
    assert fired.workflow_ids[1] == first


async def test_queue_starts_one_after_the_other(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(SLOW)
        await client.schedules.create("queueing", "slow", {}, every(1), overlap=Schedule.QUEUE)
        fired = await until_fired(client, "queueing", 3)
        await stop(client, "queueing")
        ended = [await client.wait(workflow_id) for workflow_id in reversed(fired.workflow_ids)]

    assert {workflow.status for workflow in ended} == {pb.Workflow.COMPLETED}
    for before, after in pairwise(ended):
        assert after.created_at.ToNanoseconds() >= before.completed_at.ToNanoseconds()
    assert fired.skipped


async def test_cancel_previous_calls_the_workflow_before_off(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(NEVER)
        await client.schedules.create("replacing", "never", {}, every(1), overlap=Schedule.CANCEL_PREVIOUS)
        fired = await until_fired(client, "replacing", 3)
        await stop(client, "replacing")
        _, *earlier = [await client.get(workflow_id) for workflow_id in fired.workflow_ids]

    assert {workflow.status for workflow in earlier} == {pb.Workflow.CANCELLED}


async def test_a_backfill_starts_each_firing_once_however_often_it_is_asked_for(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(QUICK)
        made = await client.schedules.create("filled", "quick", {}, every(3600), time_field="at", paused=True)
        last = now()
        first = last - timedelta(hours=9, minutes=59)

        firings = await client.schedules.backfill("filled", first, last)
        again = await client.schedules.backfill("filled", first - timedelta(hours=1), last)
        ended = [await client.wait(firing.workflow_id) for firing in firings]

    assert all(firing.anew for firing in firings)
    assert [firing.anew for firing in again] == [True] + [False] * len(firings)
    assert [firing.workflow_id for firing in again[1:]] == [firing.workflow_id for firing in firings]
    assert {workflow.status for workflow in ended} == {pb.Workflow.COMPLETED}
    assert [from_struct(workflow.input)["at"] for workflow in ended] == [
        firing.fire_at.ToJsonString() for firing in firings
    ]
    assert len(await fire_times(mesh.owner_dsn, made.schedule_id)) == len(again)


async def test_a_firing_whose_definition_no_longer_takes_its_input_says_so_and_goes_on(mesh: SmallMesh) -> None:
    strict = (
        "name: picky\nversion: 2.0.0\ninput_schema: {type: object, required: [size]}\nsteps:\n  - {name: a, agent: b}\n"
    )
    async with mesh.client() as client:
        await client.definitions.publish("name: picky\nsteps:\n  - {name: a, agent: b}\n")
        made = await client.schedules.create("surprised", "picky", {}, every(1), request_id="once")

        async def has_failed() -> bool:
            return "size" in (await client.schedules.get("surprised")).last_problem

        first = await until_fired(client, "surprised", 1)
        await client.definitions.publish(strict)
        await client.cancel(first.workflow_ids[0])
        await until(has_failed)
        found = await client.schedules.get("surprised")
        again = await client.schedules.create("surprised", "picky", {}, every(1), request_id="once")

    assert again.schedule_id == made.schedule_id
    assert "does not fit definition 'picky'" in found.last_problem
    assert found.next_fire_at.seconds > found.last_fire_at.seconds


async def test_an_engine_that_is_killed_around_a_firing_starts_it_exactly_once(mesh: SmallMesh) -> None:
    name = "killed"
    async with mesh.client() as client:
        await client.definitions.publish(QUICK)
        made = await client.schedules.create(name, "quick", {}, every(1), time_field="at")
        for _ in range(3):
            # Firings happen within half a second after each full second: strike somewhere there.
            into_the_second = now().microsecond / 1e6
            await SystemClock().sleep(1.0 - into_the_second + random.random() * 0.6)
            with faults() as struck:
                mesh.engine.kill()
                await mesh.restart_engine()
            await until_fired_since(client, name, now())
        stopped = await stop(client, name)
        for workflow_id in stopped.workflow_ids:
            assert (await client.wait(workflow_id)).status == pb.Workflow.COMPLETED

    times = await fire_times(mesh.owner_dsn, made.schedule_id)
    assert len(set(times)) == len(times), "a firing started twice"
    assert times[-1] == stopped.last_fire_at.ToJsonString()
    recorded = {await request_of(mesh.owner_dsn, workflow_id) for workflow_id in stopped.workflow_ids}
    assert recorded == {f"{made.schedule_id}/{time}" for time in times[-len(recorded) :]}, "a start went unrecorded"
    assert await violations(mesh.owner_dsn) == []
    assert await violations(mesh.owner_dsn, Outside(outage=struck.outage), among=stopped.workflow_ids) == []


async def until_fired_since(client: Client, name: str, moment: datetime) -> None:
    async def has_fired() -> bool:
        try:
            return (await client.schedules.get(name)).last_fire_at.seconds >= moment.timestamp()
        except DependencyUnavailable:
            return False

    await until(has_fired)


async def request_of(owner_dsn: str, workflow_id: str) -> str:
    owner = await asyncpg.connect(owner_dsn)
    found = await owner.fetchval(
        "SELECT request_id FROM engine.workflows WHERE workflow_id = $1", ids.read("wf", workflow_id)
    )
    await owner.close()
    return str(found)


async def test_what_was_missed_while_no_engine_was_up_is_made_up_for_once(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(NEVER)
        made = await client.schedules.create("missed", "never", {}, every(2), overlap=Schedule.CANCEL_PREVIOUS)
        await until_fired(client, "missed", 1)
        mesh.engine.kill()
        before = await fire_times(mesh.owner_dsn, made.schedule_id)
        await SystemClock().sleep(6.5)
        back_at = now()
        await mesh.restart_engine()
        await until_fired_since(client, "missed", back_at)
        await stop(client, "missed")

    during = [time for time in await fire_times(mesh.owner_dsn, made.schedule_id) if time not in before]
    missed = [time for time in during if datetime.fromisoformat(time) < back_at]
    assert len(missed) == 1


@pytest.mark.parametrize(
    ("timing", "says"),
    [
        (cron("61 * * * *"), "'61' as its minute"),
        (cron("@daily", "Europe/Berln"), "Europe/Berlin"),
        (every(0), "interval.every"),
    ],
)
async def test_a_wrong_timing_makes_no_schedule(mesh: SmallMesh, timing: Any, says: str) -> None:
    async with mesh.client() as client:
        await client.definitions.publish(NEVER)
        with pytest.raises(ArchwrightError, match=says):
            await client.schedules.create("wrong", "never", {}, timing)
        assert [each.name async for each in client.schedules.list() if each.name == "wrong"] == []
