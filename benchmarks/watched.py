"""How soon those who watch see what happens: many WebSockets at one replica, spread over workflows and on a single one.

An update counts from the moment at which the engine decided it, so its commit and its way through the bus, the other
engine and the realtime service are all in the figure.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from archwright import Client
from archwright.pacing import rest
from benchmarks.mesh import Mesh

_SOURCE = "name: watched\nsteps: [{name: word, wait: {signal: go}}]"
_READY_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Wish:
    """Who watches what."""

    watchers: int
    workflows: int
    updates: int
    updates_per_second: float


async def measure(mesh: Mesh, wish: Wish, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure all watchers spread over the workflows, then all of them on one."""
    async with mesh.client() as client:
        await client.definitions.publish(_SOURCE)
        spread = await _one(mesh, client, wish, wish.workflows)
        say(f"Spread over {wish.workflows} workflows: {spread}")
        crowd = await _one(mesh, client, wish, 1)
        say(f"All on one workflow: {crowd}")
    return {
        "update_p50_ms": spread["update_p50_ms"],
        "update_p99_ms": spread["update_p99_ms"],
        "lost": spread["lost"] + crowd["lost"],
        "repeated": spread["repeated"] + crowd["repeated"],
        "spread": spread,
        "on_one_workflow": crowd,
    }


async def _one(mesh: Mesh, client: Client, wish: Wish, workflows: int) -> dict[str, Any]:
    workflow_ids = [(await client.start("watched", {})).workflow_id for _ in range(workflows)]
    async with _watching(mesh, wish.watchers, workflow_ids) as lines:
        for number in range(wish.updates):
            await client.signal(workflow_ids[number % workflows], "tick", {"number": number})
            await rest(1 / wish.updates_per_second)
        for workflow_id in workflow_ids:
            await client.signal(workflow_id, "go", {})
        async with asyncio.timeout(_READY_SECONDS_MAX):
            told: dict[str, Any] = json.loads(await lines.readline())
    return told


@asynccontextmanager
async def _watching(mesh: Mesh, count: int, workflow_ids: Sequence[str]) -> AsyncIterator[asyncio.StreamReader]:
    command = (sys.executable, "-m", "benchmarks.watchers", str(mesh.websockets), mesh.token(), str(count))
    process = await asyncio.create_subprocess_exec(*command, *workflow_ids, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_SECONDS_MAX):
            assert await process.stdout.readline() == b"ready\n", "those who watch have failed; see above"
        yield process.stdout
        async with asyncio.timeout(_READY_SECONDS_MAX):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
