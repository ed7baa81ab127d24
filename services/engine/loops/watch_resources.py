"""Watches what this process takes of the machine, and has new starts refused while that is too much.

Work that was begun goes on: only it makes room again.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

import structlog

from services.chassis.clock import Clock
from services.engine.admission import Admission

log = structlog.get_logger(__name__)

_SMOOTHING = 0.2
"""The share of the newest look in the average: a moment's burst refuses nobody."""


class WatchResources:
    """Compares memory and processor time with their limits."""

    def __init__(self, admission: Admission, clock: Clock, *, memory_mb_max: int, cpu_percent_max: int) -> None:
        self._admission = admission
        self._clock = clock
        self._memory_mb_max = memory_mb_max
        self._cpu_percent_max = cpu_percent_max
        self._looked_at = clock.monotonic()
        self._used_seconds = time.process_time()
        self._cpu_percent = 0.0

    async def step(self) -> None:
        """Look once."""
        now, used = self._clock.monotonic(), time.process_time()
        elapsed = max(now - self._looked_at, 1e-3)
        percent = 100 * (used - self._used_seconds) / elapsed / (os.cpu_count() or 1)
        self._looked_at, self._used_seconds = now, used
        self._cpu_percent += _SMOOTHING * (percent - self._cpu_percent)
        memory_mb = _memory_bytes() / 2**20
        strain = ""
        if memory_mb > self._memory_mb_max:
            strain = f"The engine uses {memory_mb:,.0f} MB of memory; at most {self._memory_mb_max:,} are meant."
        elif self._cpu_percent > self._cpu_percent_max:
            strain = (
                f"The engine uses {self._cpu_percent:.0f} % of all processors; at most {self._cpu_percent_max} are."
            )
        if strain:
            log.warning("starts_refused", memory_mb=round(memory_mb), cpu_percent=round(self._cpu_percent))
        self._admission.note_strain(strain)


def _memory_bytes() -> int:
    """Return the memory that this process holds now; where that is not told, the most it ever held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
