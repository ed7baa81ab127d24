"""What processes cost, and percentiles."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from benchmarks.mesh import Mesh


@dataclass(slots=True)
class Costs:
    """What each kind of process has used since the beginning: CPU seconds, and memory at its peak in MB."""

    mesh: Mesh
    begun_at: float = field(default_factory=time.perf_counter)
    _before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = self._cpu()

    @property
    def seconds(self) -> float:
        """How long it has been."""
        return time.perf_counter() - self.begun_at

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds used since the beginning."""
        return {kind: round(used - self._before.get(kind, 0.0), 3) for kind, used in self._cpu().items()}

    def peak_memory_mb(self) -> dict[str, float]:
        """Return the most memory that any process of each kind has held."""
        return {
            kind: round(max(_peak_bytes(process) for process in processes) / 2**20, 1)
            for kind, processes in self.mesh.processes().items()
        }

    def _cpu(self) -> dict[str, float]:
        return {
            kind: sum(_cpu_seconds(process) for process in processes)
            for kind, processes in self.mesh.processes().items()
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def in_ms(values: Sequence[float], percent: float) -> float:
    """Return a percentile of seconds, in milliseconds."""
    return round(percentile(values, percent) * 1_000, 2) if values else 0.0


def _cpu_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _peak_bytes(process: psutil.Process) -> int:
    """Return the highest resident size, as Linux keeps it; the present one elsewhere."""
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:  # noqa: PTH123
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return int(process.memory_info().rss)
    return 0
