"""Where the time of a process goes, sampled from outside: needs py-spy, which `pip install py-spy` brings."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.mesh import Mesh

_SHOWN = 30


@asynccontextmanager
async def sampled(mesh: Mesh, kind: str) -> AsyncIterator[list[str]]:
    """Sample one kind of process while the block lasts; the list is filled with lines for people at its end."""
    found: list[str] = []
    program = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    file = mesh.folder / f"{kind}.samples"
    pid = mesh.processes()[kind][-1].pid
    process = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", str(pid), "--rate", "250", "--format", "raw", "--output", str(file)),
        *("--duration", "600"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield found
    finally:
        process.send_signal(2)
        await process.wait()
        found.extend(_told(kind, file.read_text().splitlines()))


def _told(kind: str, lines: list[str]) -> list[str]:
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        total += int(count)
        own[_function(frames[-1])] += int(count)
        for frame in {_function(frame) for frame in frames}:
            within[frame] += int(count)
    told = [f"{kind}: {total} samples", "  own time"]
    told += [f"  {count / total:6.1%}  {frame}" for frame, count in own.most_common(_SHOWN)]
    told.append("  with what is called")
    return told + [f"  {count / total:6.1%}  {frame}" for frame, count in within.most_common(2 * _SHOWN)]


def _function(frame: str) -> str:
    """Return a frame without its line."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.split(':')[0]})"
