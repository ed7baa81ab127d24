"""A Valkey of a test's own, to be killed and frozen."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from archwright.local.valkey import Valkey

START_SECONDS_MAX = 30.0


class OwnRedis:
    """Nobody else's Redis."""

    def __init__(self, folder: Path) -> None:
        self._valkey = Valkey(folder, folder / "socket")
        self._process: asyncio.subprocess.Process | None = None
        self.url = self._valkey.url

    async def start(self) -> None:
        serving = self._valkey.serving()
        self._process = await asyncio.create_subprocess_exec(
            *serving.command, env=dict(serving.environment), stdout=asyncio.subprocess.DEVNULL
        )
        assert serving.probe is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await serving.probe():
                assert self._process.returncode is None, "Valkey did not start"
                await asyncio.sleep(0.02)  # noqa: TID251  another process is starting

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it as a power failure would."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
