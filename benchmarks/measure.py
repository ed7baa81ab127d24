"""What processes use: CPU seconds and memory at its peak; and what makes many figures one: percentiles, medians."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CLIENT = "client"
"""The benchmark itself, which is the client."""
OTHERS = "others on the machine"

_KINDS: Mapping[str, str] = {
    "services.engine": "engine",
    "services.registry": "registry",
    "benchmarks.agent": "agent",
    "benchmarks.patient_agent": "agent",
    "benchmarks.stubborn_agent": "agent",
    "benchmarks.bare_engine": "bare engine",
    "benchmarks.bare_agent": "bare agent",
    "postgres": "postgres",
    "valkey-server": "valkey",
}
"""What a process is, by words of its command line; the first that is found counts."""
_NUMBERED = ("engine", "agent")


def processes() -> Mapping[str, Sequence[psutil.Process]]:
    """Return the mesh's processes by name, each engine and agent by itself and PostgreSQL's as one."""
    found: dict[str, list[psutil.Process]] = {CLIENT: [psutil.Process()]}
    for process in sorted(psutil.Process().children(recursive=True), key=_age):
        kind = _kind(process)
        if kind in _NUMBERED:
            number = sum(name.startswith(kind) for name in found) + 1
            found[f"{kind} {number}"] = [process]
        elif kind:
            found.setdefault(kind, []).append(process)
    return found


def agent_processes() -> Mapping[str, psutil.Process]:
    """Return the mesh's agents by the ids that they were told."""
    found = (group[0] for name, group in processes().items() if name.startswith("agent"))
    return {process.environ()["ARCHWRIGHT_AGENT_ID"]: process for process in found}


@dataclass(slots=True)
class Costs:
    """What has been used since this was made."""

    _before: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = _cpu_now()

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds of each process, and of everybody else on this machine."""
        now = _cpu_now()
        used = {name: round(seconds - self._before.get(name, 0.0), 3) for name, seconds in now.items()}
        others = used.pop(_MACHINE) - sum(used.values())
        return {**used, OTHERS: round(max(0.0, others), 3)}


def peak_memory_mb() -> dict[str, float]:
    """Return the most memory that each process has ever held; of PostgreSQL's, the largest one's."""
    return {name: round(max(map(_peak_bytes, group)) / 2**20, 1) for name, group in processes().items()}


def memory_bytes(kind: str) -> int:
    """Return what the processes of a kind hold now."""
    groups = [group for name, group in processes().items() if name.startswith(kind)]
    return sum(int(process.memory_info().rss) for group in groups for process in group)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def in_ms(seconds: Sequence[float], percent: float) -> float | None:
    """Return a percentile in milliseconds; None when there is nothing to take it of."""
    return round(percentile(seconds, percent) * 1_000, 2) if seconds else None


def medians(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the runs, figure by figure, also of those within figures."""
    found: dict[str, Any] = {}
    for name in runs[0]:
        values = [run[name] for run in runs if run.get(name) is not None]
        if not values:
            found[name] = None
        elif isinstance(values[0], Mapping):
            found[name] = medians(values)
        elif isinstance(values[0], int | float):
            median = statistics.median(values)
            found[name] = median if isinstance(median, int) else round(median, 3)
    return found


_MACHINE = "machine"


def _cpu_now() -> dict[str, float]:
    used = {name: sum(map(_cpu_seconds, group)) for name, group in processes().items()}
    machine = psutil.cpu_times()
    idle = machine.idle + getattr(machine, "iowait", 0.0) + getattr(machine, "steal", 0.0)
    guests = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)  # counted as user's already
    return {**used, _MACHINE: sum(machine) - idle - guests}


def _cpu_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        own = float(times.user + times.system)
        # PostgreSQL's processes come and go; the first of them inherits what those used that have ended.
        return own + (times.children_user + times.children_system if _kind(process) == "postgres" else 0.0)
    return 0.0


def _peak_bytes(process: psutil.Process) -> int:
    """Return the highest resident size, as Linux keeps it; the present one elsewhere."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _kind(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        line = " ".join(process.cmdline())
        return next((kind for words, kind in _KINDS.items() if words in line), "")
    return ""


def _age(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(process.create_time())
    return 0.0
