"""A duty goes on for ever, whatever happens to its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from services.chassis.clock import ManualClock
from services.chassis.loops import PAUSE_SECONDS_MAX, forever


async def steps_at(step: Callable[[int], Awaitable[None]], *, pause: float, seconds: float) -> list[float]:
    """Return when steps began."""
    clock, began = ManualClock(), list[float]()

    async def noted() -> None:
        began.append(clock.monotonic())
        await step(len(began))

    async with asyncio.TaskGroup() as group:
        duty = group.create_task(forever("duty", noted, pause=pause, clock=clock))
        await clock.wind(seconds)
        duty.cancel()
    return began


async def test_a_step_follows_a_step_after_the_pause() -> None:
    async def step(_: int) -> None: ...

    assert await steps_at(step, pause=5, seconds=16) == [0.0, 5.0, 10.0, 15.0]


async def test_failures_double_the_pause_up_to_a_minute_and_success_ends_that() -> None:
    async def step(number: int) -> None:
        if number <= 7:
            raise OSError("down")

    began = await steps_at(step, pause=1, seconds=250)

    pauses = [later - earlier for earlier, later in pairwise(began)]
    assert pauses[:9] == [2.0, 4.0, 8.0, 16.0, 32.0, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX, 1.0, 1.0]


async def test_a_duty_without_a_pause_does_not_spin_when_it_fails() -> None:
    async def step(_: int) -> None:
        raise OSError("down")

    assert len(await steps_at(step, pause=0, seconds=60)) < 15


async def test_a_pause_longer_than_a_minute_is_kept() -> None:
    async def step(number: int) -> None:
        if number == 1:
            raise OSError("down")

    assert await steps_at(step, pause=300, seconds=700) == [0.0, 300.0, 600.0]


async def test_cancelling_ends_it() -> None:
    clock = ManualClock()

    async def step() -> None:
        await clock.sleep(1000)

    async with asyncio.TaskGroup() as group:
        duty = group.create_task(forever("duty", step, pause=1, clock=clock))
        await clock.wind(1)
        duty.cancel()

    with pytest.raises(asyncio.CancelledError):
        await duty
