"""A process that looks like an engine and is none of ours: it notes every signal that it is sent.

Whoever stops processes by their names, and not by the pids that it started, stops this one too.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from archwright.local.launch import launched

_SOURCE = """
import signal, sys
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, lambda got, _: open(sys.argv[1], "a").write(f"{signal.Signals(got).name}\\n"))
print("ready", flush=True)
while True:
    signal.pause()
"""


@dataclass(frozen=True)
class Decoy:
    """The process, and where it notes what it is sent."""

    process: asyncio.subprocess.Process
    noted: Path

    def complaints(self) -> list[str]:
        """Return what was done to it, in sentences; nothing should have been."""
        signals = self.noted.read_text().split()
        told = [f"the decoy was sent {name}, and nobody had started it for that" for name in signals]
        if self.process.returncode is not None:
            told.append(f"the decoy is gone, with {signal.Signals(-self.process.returncode).name}")
        return told


@asynccontextmanager
async def decoy(folder: Path) -> AsyncIterator[Decoy]:
    """Let it stand beside the mesh for the length of the block."""
    noted = folder / "decoy"
    noted.touch()
    looks_like_an_engine = (sys.executable, "-c", _SOURCE, str(noted), "-m", "services.engine")
    process = await asyncio.create_subprocess_exec(
        *launched(looks_like_an_engine, signal.SIGKILL), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield Decoy(process, noted)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
