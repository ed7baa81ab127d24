"""A server of a test's own, which it may kill, freeze and start again."""

from __future__ import annotations

import asyncio
import signal

from archwright.local.child import Program
from archwright.local.postgres import Postgres

START_SECONDS_MAX = 30.0
_PAUSE_SECONDS = 0.02


class OwnServer:
    """PostgreSQL, Valkey or Envoy as a process of ours."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, also where the last of its children has not gone yet; return once it answers."""
        assert self._program.probe is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            while True:
                self._process = await run(self._program)
                while self._process.returncode is None:
                    if await self._program.probe():
                        return
                    await asyncio.sleep(_PAUSE_SECONDS)  # noqa: TID251  another process is starting

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to nobody else."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


async def made_postgres(postgres: Postgres) -> OwnServer:
    """Make a cluster, and return its server, which is not started yet. Its files need to outlive no power failure."""
    making = await run(postgres.making())
    assert await making.wait() == 0, "PostgreSQL made no cluster"
    postgres.take_made()
    serving = postgres.serving()
    hasty = (*serving.command, "-c", "fsync=off")
    return OwnServer(Program(serving.name, hasty, serving.environment, probe=serving.probe))


async def run(program: Program) -> asyncio.subprocess.Process:
    """Start a program whose output nobody reads."""
    return await asyncio.create_subprocess_exec(
        *program.command,
        env=dict(program.environment),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
