"""A clock that is wound by hand wakes everybody in order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.chassis.clock import ManualClock, SystemClock
from services.chassis.wake import Wake


async def test_sleepers_wake_in_the_order_they_are_due_and_see_that_time() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("a", 3))
        group.create_task(sleeper("b", 1, 1, 5))
        await clock.wind(4)
        assert woken == [("b", 1.0), ("b", 2.0), ("a", 3.0)]
        await clock.wind(3)

    assert woken[-1] == ("b", 7.0)


async def test_the_time_of_day_moves_with_the_clock() -> None:
    clock = ManualClock()
    start = clock.now()

    await clock.wind(90)

    assert clock.now() - start == timedelta(seconds=90)


async def test_a_sleeper_that_was_cancelled_is_no_trouble() -> None:
    clock = ManualClock()
    async with asyncio.TaskGroup() as group:
        sleeper = group.create_task(clock.sleep(1))
        await clock.wind(0.5)
        sleeper.cancel()

    await clock.wind(1)


async def test_the_systems_clock_tells_utc() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.0)

    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() >= before


async def test_a_nudge_ends_a_wait_early_and_is_kept_for_the_next() -> None:
    clock = ManualClock()
    wake = Wake(clock)
    ended: list[float] = []

    async def waiter() -> None:
        for _ in range(3):
            await wake.wait(10)
            ended.append(clock.monotonic())

    wake.nudge()
    wake.nudge()
    async with asyncio.TaskGroup() as group:
        group.create_task(waiter())
        await clock.wind(2)
        wake.nudge()
        await clock.wind(0)
        await clock.wind(10)

    assert ended == [0.0, 2.0, 12.0]
