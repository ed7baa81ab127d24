"""Where the time of a process goes, sampled from outside with py-spy: `pip install py-spy` brings it.

Only moments count in which the process holds Python's lock, so waiting is left out and all shares are of its work.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from archwright.errors import InvalidArgument
from benchmarks.measure import processes
from benchmarks.mesh import Mesh

_SHOWN = 30
_SAMPLES_PER_SECOND = 500


class ProfilerMissing(InvalidArgument):
    """There is no py-spy."""


KINDS = ("engine", "agent", "client")
"""What can be sampled: the processes that are Python and have something to do."""


class KindUnknown(InvalidArgument):
    """No process of the mesh that is written in Python has this name."""


def require_kind(kind: str) -> None:
    """Raise KindUnknown when there is nothing of that name to sample, and ProfilerMissing when nothing samples."""
    if kind not in KINDS:
        raise KindUnknown(f"--profile names {kind!r}; it takes one of: {', '.join(KINDS)}.")
    require_profiler()


def require_profiler() -> str:
    """Return where py-spy is; raises ProfilerMissing."""
    beside = Path(sys.executable).with_name("py-spy")
    program = str(beside) if beside.exists() else shutil.which("py-spy")
    if program is None:
        raise ProfilerMissing("--profile needs py-spy, which is not installed. `pip install py-spy` brings it.")
    return program


@asynccontextmanager
async def sampled(mesh: Mesh, kind: str) -> AsyncIterator[list[str]]:
    """Sample the first process of a kind while the block lasts; at its end the list holds lines for people."""
    found: list[str] = []
    file = mesh.folder / f"{kind}.samples"
    name, group = next((name, group) for name, group in processes().items() if name.startswith(kind))
    process = await asyncio.create_subprocess_exec(
        *(require_profiler(), "record", "--pid", str(group[0].pid), "--gil"),
        *("--rate", str(_SAMPLES_PER_SECOND), "--duration", "600", "--format", "raw", "--output", str(file)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()
        found.extend(_told(name, file.read_text().splitlines()))


def _told(name: str, lines: Iterable[str]) -> list[str]:
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = [_function(frame) for frame in stack.split(";")]
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            within[frame] += int(count)
    told = [f"{name}: {total} samples", "  own time"]
    told += [f"  {count / total:6.1%}  {frame}" for frame, count in own.most_common(_SHOWN)]
    told.append("  with what is called")
    return told + [f"  {count / total:6.1%}  {frame}" for frame, count in within.most_common(2 * _SHOWN)]


def _function(frame: str) -> str:
    """Return a frame without its line."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.split(':')[0]})"
