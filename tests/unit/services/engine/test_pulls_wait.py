"""How long somebody who waits in a call for work goes without looking."""

from __future__ import annotations

import asyncio

from services.engine.pulls import TOLD_FACTOR, Pulls


def test_while_other_replicas_tell_what_they_make_it_is_looked_for_rarely() -> None:
    pulls = Pulls(poll_seconds=0.25)
    assert pulls.look_seconds == 0.25

    pulls.is_told = True

    assert pulls.look_seconds == 0.25 * TOLD_FACTOR


async def test_a_bell_that_was_rung_after_it_was_taken_is_heard() -> None:
    pulls = Pulls(poll_seconds=3600)
    bell = pulls.bell()

    pulls.ring()

    async with asyncio.timeout(10):
        await pulls.wait(bell, 3600)


async def test_nobody_waits_longer_than_asked() -> None:
    pulls = Pulls(poll_seconds=3600)

    async with asyncio.timeout(10):
        await pulls.wait(pulls.bell(), 0.01)
