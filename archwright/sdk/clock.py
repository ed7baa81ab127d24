"""The agent's time, as a port: lease, silence and back-off go by it, and tests wind it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from archwright import pacing


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        ...

    async def rest(self, seconds: float, until: asyncio.Event | None = None) -> None:
        """Wait so many seconds, or until the event is set."""
        ...


class SystemClock:
    """The time of this machine."""

    monotonic = staticmethod(time.monotonic)
    rest = staticmethod(pacing.rest)
