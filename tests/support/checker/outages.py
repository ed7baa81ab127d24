"""Notes when faults strike and when they are over, for the invariant that asks after the time that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from checker.facts import Outage
from services.chassis.clock import SystemClock


@dataclass
class Struck:
    """When faults struck, and when the last was over; None before."""

    began_at: datetime
    outage: Outage | None = None


@contextmanager
def faults() -> Iterator[Struck]:
    """Do within this whatever goes wrong and whatever mends it. What nobody mends is over when it has struck."""
    clock = SystemClock()
    struck = Struck(clock.now())
    yield struck
    struck.outage = Outage(struck.began_at, clock.now())
