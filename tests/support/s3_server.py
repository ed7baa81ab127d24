"""A real server that speaks S3, with a folder of its own."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from pathlib import Path

from services.chassis.clock import Clock, SystemClock

KEY, SECRET = "an-access-key", "a-secret-access-key"
BUCKET = "files"


class S3Server:
    """rclone's S3 server over a folder; it can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / BUCKET).mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._process: asyncio.subprocess.Process | None = None
        self._clock: Clock = SystemClock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("rclone")),
            *("serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{self._port}"),
            *("--config", "/dev/null", "--cache-dir", str(self.folder.parent / "cache"), str(self.folder)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            while not await self._answers():
                assert self._process.returncode is None, "rclone did not start"
                await self._clock.sleep(0.05)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _answers(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.close()
            await writer.wait_closed()
            return True
        return False
