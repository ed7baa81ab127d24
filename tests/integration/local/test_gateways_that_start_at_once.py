"""Two gateways are given one port while neither listens on it yet: one has it, and the other says that it has not."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from archwright.local import certificates, envoy
from archwright.local.child import Program, StartFailed
from archwright.local.gateway_config import GatewayConfig, Upstream
from archwright.local.gateway_descriptors import descriptors
from archwright.serving.tokens import jwks_of, new_key_pem

READY_SECONDS_MAX = 60.0


async def test_the_one_that_comes_second_says_that_it_has_no_port(tmp_path: Path) -> None:
    port = envoy.free_port()
    # Who answers nothing keeps them from listening: they ask the services for their health before they do.
    with socket.create_server((envoy.HOST, 0)) as silent, ExitStack() as both:
        services = f"{envoy.HOST}:{silent.getsockname()[1]}"
        started = [both.enter_context(gateway(tmp_path / name, port, services)) for name in ("one", "other")]

        refused = await asyncio.gather(*map(until_ready, started))

    [words] = filter(None, refused)
    assert f"cannot listen on {envoy.HOST}:{port}: somebody else does" in words


async def until_ready(program: Program) -> str:
    """Ask until it is ready, and return what it said instead, if anything."""
    assert program.probe is not None
    async with asyncio.timeout(READY_SECONDS_MAX):
        try:
            while not await program.probe():
                await asyncio.to_thread(time.sleep, 0.02)
        except StartFailed as refused:
            return refused.message
    return ""


@contextmanager
def gateway(folder: Path, port: int, services: str) -> Iterator[Program]:
    """Run one of a mesh of its own."""
    folder.mkdir()
    files = certificates.ensure(folder, datetime.fromtimestamp(time.time(), UTC))
    jwks_file, descriptors_file = folder / "jwks.json", folder / "descriptors.binpb"
    jwks_file.write_text(jwks_of(new_key_pem()))
    descriptors_file.write_bytes(descriptors())
    config = GatewayConfig(
        listen=f"{envoy.HOST}:{port}",
        admin=f"{envoy.HOST}:{envoy.free_port()}",
        tls_cert_file=str(files.server_file),
        tls_key_file=str(files.server_key_file),
        jwks_file=str(jwks_file),
        token_issuer="archwright-local",
        token_audience="archwright",
        descriptors_file=str(descriptors_file),
        engine=Upstream((services,), str(files.ca_file)),
        registry=Upstream((services,), str(files.ca_file)),
        realtime=Upstream((services,), str(files.ca_file)),
    )
    program = envoy.Gateway(config, folder / "envoy.yaml").serving()
    with (folder / "log").open("wb") as log, subprocess.Popen(program.command, stdout=log, stderr=log) as process:
        try:
            yield program
        finally:
            process.terminate()
