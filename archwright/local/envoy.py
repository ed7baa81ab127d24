"""Envoy of the local mesh: the one door, on loopback, with the mesh's own certificate."""

from __future__ import annotations

import asyncio
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import yaml

from archwright.local.child import Program, StartFailed, clean_environment
from archwright.local.gateway_config import GatewayConfig, render
from archwright.local.launch import launched
from archwright.local.private import write_private
from archwright.local.wheels import program

HOST = "127.0.0.1"
USUAL_PORT = 8443
_PROBE_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """One Envoy with one configuration."""

    config: GatewayConfig
    config_file: Path
    binary: str = ""

    def serving(self) -> Program:
        """Write the configuration and return what runs it."""
        write_private(self.config_file, _alone(render(self.config)).encode())
        binary = self.binary or str(program("envoy", "_bin/envoy", what="Envoy", option="--envoy-binary"))
        # Without the option it dies with the thread that started it.
        words = ("-c", str(self.config_file), "--disable-hot-restart", "--log-level", "warning", "--concurrency", "2")
        command = launched((binary, *words), signal.SIGTERM)
        return Program("gateway", command, clean_environment(), probe=self._is_ready)

    async def _is_ready(self) -> bool:
        """Whether it serves, or raise `StartFailed` where it never will.

        Two meshes that start at once may both be given a port which neither listens on yet. The Envoy that comes
        second goes on without its listener, and still calls itself ready.
        """
        try:
            async with asyncio.timeout(_PROBE_SECONDS_MAX):
                if not (await self._told("/ready")).startswith(b"HTTP/1.1 200 "):
                    return False
                listeners = await self._told("/listeners")
        except (OSError, TimeoutError):
            return False
        if self.config.listen.encode() not in listeners:
            raise StartFailed(
                f"The gateway cannot listen on {self.config.listen}: somebody else does. Name another port.",
                facts={"child": "gateway"},
            )
        return True

    async def _told(self, path: str) -> bytes:
        host, _, port = self.config.admin.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n".encode())
            return await reader.read()
        finally:
            writer.close()


def _alone(config: str) -> str:
    """Return the configuration with listeners that share their port with nobody.

    By default two Envoys may listen on one port and share its callers: right for a restart, and very wrong for
    two meshes on one machine.
    """
    content = yaml.safe_load(config)
    for listener in content["static_resources"]["listeners"]:
        listener["enable_reuse_port"] = False
    return yaml.safe_dump(content, sort_keys=False)


def is_free(port: int) -> bool:
    """Whether a server may listen on the port."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as attempt:
        attempt.bind((HOST, 0))
        return int(attempt.getsockname()[1])
