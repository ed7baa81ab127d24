"""A nudge: lets a duty that polls act at once when there is reason to."""

from __future__ import annotations

import asyncio

from services.chassis.clock import Clock


class Wake:
    """Something to wait for that may come early. Nudges that nobody waits for yet are kept, as one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """End the wait, or the next one."""
        self._nudged.set()

    async def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as there was a nudge."""
        loop = asyncio.get_running_loop()
        nudge, time_out = loop.create_task(self._nudged.wait()), loop.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait([nudge, time_out], return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()
            time_out.cancel()
        self._nudged.clear()
