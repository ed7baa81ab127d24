"""Processes of the benchmark's own beside the mesh, which it may freeze, and which go with it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from archwright.local.child import clean_environment
from archwright.local.launch import launched
from benchmarks.mesh import Mesh


@asynccontextmanager
async def child(
    mesh: Mesh, module: str, engines: str, told: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a module of ours as an agent of these engines until the end of the block."""
    environment = clean_environment() | {
        "ARCHWRIGHT_ENGINE_ADDRESS": engines,
        "ARCHWRIGHT_REGISTRY_ADDRESS": mesh.registry,
        "ARCHWRIGHT_CA_FILE": str(mesh.ca_file),
        "ARCHWRIGHT_ENROLMENT_TOKEN_FILE": str(mesh.tokens.enrolment_token_file),
        **{f"BENCHMARK_{name}": value for name, value in told.items()},
    }
    # Also one that is frozen goes with us.
    command = launched((sys.executable, "-m", f"benchmarks.{module}"), signal.SIGKILL)
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
