"""Duties that go on for as long as a service lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from services.chassis.clock import Clock

log = structlog.get_logger(__name__)

STEP_SECONDS_MAX: Final = 60.0
PAUSE_SECONDS_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 16
# A duty without a pause of its own must not spin when it fails.
_FIRST_PAUSE_SECONDS: Final = 0.05


async def forever(
    name: str,
    step: Callable[[], Awaitable[None]],
    *,
    pause: float,
    clock: Clock,
    violated: Callable[[str], None] = lambda _: None,
    seconds_max: float | None = STEP_SECONDS_MAX,
) -> None:
    """Do `step`, pause for `pause` seconds, and again, until cancelled.

    A step that fails is tried again after a pause that doubles up to a minute: a database that is down for an
    hour costs sixty log lines, not a crash loop. `violated` is told the name when an assertion was what failed: an
    outage is not our fault, that is. A step that takes longer than `seconds_max` fails; None is for one that bounds
    all it waits for itself.
    """
    failures = 0
    while True:
        try:
            async with asyncio.timeout(seconds_max):
                await step()
            failures = 0
        except Exception as error:  # the top of the loop is the one place that may say this
            failures += 1
            if _holds_assertion(error):
                violated(name)
            log.exception("loop_step_failed", loop=name, times=failures)
        backed_off = max(pause, _FIRST_PAUSE_SECONDS if failures else 0.0) * 2 ** min(failures, _DOUBLINGS_MAX)
        await clock.sleep(min(backed_off, max(pause, PAUSE_SECONDS_MAX)))


def _holds_assertion(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return error.subgroup(AssertionError) is not None
    return isinstance(error, AssertionError)
