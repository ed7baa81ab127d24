"""How long to wait before trying again.

Full jitter: a pause anywhere between nothing and a ceiling that doubles. When a server comes back, its callers
do not all come back in the same instant.
"""

from __future__ import annotations

import asyncio
import random

_chance = random.SystemRandom()


class Backoff:
    """The pauses of one thing that is tried again and again."""

    def __init__(self, *, base_seconds: float = 0.2, seconds_max: float = 5.0) -> None:
        self._base_seconds = base_seconds
        self._seconds_max = seconds_max
        self._failures = 0

    def next_pause(self) -> float:
        """Count one more failure and return how long to wait, in seconds."""
        ceiling = min(self._seconds_max, self._base_seconds * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return _chance.uniform(0.0, ceiling)

    def reset(self) -> None:
        """Forget the failures: it worked."""
        self._failures = 0


def jittered(seconds: float) -> float:
    """Return a moment in the second half of a pause of `seconds`."""
    return _chance.uniform(seconds / 2, seconds)


async def rest(seconds: float, until: asyncio.Event | None = None) -> None:
    """Wait so many seconds, or until the event is set."""
    event = until or asyncio.Event()
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        return
