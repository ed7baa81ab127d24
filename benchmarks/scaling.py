"""Whether what a task costs stays the same: as the database fills, as one workflow grows, and with a second engine.

Cost is the CPU time that engine and PostgreSQL spend on a task: unlike seconds it hardly depends on what else the
machine does at the time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archwright import Client, ids
from archwright.pacing import rest
from benchmarks.measure import Costs, memory_bytes
from benchmarks.mesh import TENANT, Mesh
from benchmarks.throughput import DEFINITION, once
from benchmarks.work import STEPS, Load, Refused, chain

_BLOCK = 500
_CONCURRENT = 100
_FULL_BATCH = 1_000
_PARTS = 10
_LOOK_SECONDS = 0.02
_SETTLE_SECONDS = 3.0
_PATIENCE_SECONDS = 900.0
_PAYERS = ("engine", "postgres")

_WAITING = """
name: waiting
timeout_seconds: 86400
steps:
  - name: pause
    wait: {seconds: 43200}
output: {}
"""


async def measure(
    mesh: Mesh, *, workflows: int, waiting: int, steps: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure everything that one engine is enough for."""
    async with mesh.client() as client:
        await client.definitions.publish(chain(DEFINITION))
        say(f"workflows that wait: {waiting:,}")
        waited = await _waiting(mesh, client, waiting)
        say(f"one workflow of {steps:,} steps")
        long = await _long(mesh, client, steps)
        say(f"a database that fills up to {workflows:,} workflows")
        filling = await _filling(mesh, client, workflows)
    return {"waiting": waited, "steps": long, "database": filling, "engines_1": await several_engines(mesh, workflows)}


async def several_engines(mesh: Mesh, workflows: int) -> dict[str, Any]:
    """Return the throughput of however many engines the mesh has, each with an agent of its own."""
    async with mesh.client() as client:
        await client.definitions.publish(chain(DEFINITION))
    ran = await once(mesh, workflows=workflows, concurrent=min(workflows, _FULL_BATCH))
    return {name: ran[name] for name in ("tasks_per_second", "mean_batch", "commits_per_second", "cpu_us_per_task")}


async def _waiting(mesh: Mesh, client: Client, count: int) -> dict[str, Any]:
    """Start workflows that wait for hours, and return by how much that makes the engine grow."""
    await client.definitions.publish(_WAITING)
    await client.start_many("waiting", [{} for _ in range(min(count, 100))])  # what the first ones load is no growth
    await rest(_SETTLE_SECONDS)
    before = memory_bytes("engine")
    for first in range(0, count, _FULL_BATCH):
        outcomes = await client.start_many("waiting", [{} for _ in range(min(_FULL_BATCH, count - first))])
        refused = [outcome.message for outcome in outcomes if not outcome.workflow_id]
        if refused:
            raise Refused(f"The engine refused {len(refused)} of the workflows that should wait: {refused[0]}")
    await rest(_SETTLE_SECONDS)
    growth = memory_bytes("engine") - before
    return {
        "workflows": count,
        "engine_memory_before_mb": round(before / 2**20, 1),
        "engine_growth_mb": round(growth / 2**20, 1),
        "engine_growth_bytes_each": round(growth / count),
    }


async def _long(mesh: Mesh, client: Client, steps: int) -> dict[str, Any]:
    """Run one workflow of many steps, and return what a step costs in each tenth of it."""
    await client.definitions.publish(chain("long", steps))
    connection = await mesh.connect()
    query = "SELECT last_seq, ended_at IS NOT NULL FROM engine.workflows WHERE tenant_id = $1 AND workflow_id = $2"
    parts: list[Mapping[str, float]] = []
    try:
        workflow = ids.read("wf", (await client.start("long", {"n": 1})).workflow_id)
        [[first_seq, _]] = await connection.fetch(query, TENANT, workflow)
        patience = time.monotonic() + _PATIENCE_SECONDS
        seen, costs, began, has_ended = 0, Costs(), time.perf_counter(), False
        while not has_ended:
            if time.monotonic() > patience:
                raise TimeoutError(f"The workflow of {steps} steps was at {seen} after {_PATIENCE_SECONDS:.0f} s.")
            await rest(_LOOK_SECONDS)
            [[last_seq, has_ended]] = await connection.fetch(query, TENANT, workflow)
            # A step is two events: its task is created, and completed.
            done = steps if has_ended else min(steps, (last_seq - first_seq) // 2)
            if has_ended or done - seen >= steps // _PARTS:
                parts.append(_part(costs, done - seen, time.perf_counter() - began))
                seen, costs, began = done, Costs(), time.perf_counter()
    finally:
        await connection.close()
    # The last part is what was left over, and has the end in it.
    whole = parts[:-1] if len(parts) > 1 else parts
    return {"steps": steps, **_first_and_last(whole), "parts": list(parts)}


async def _filling(mesh: Mesh, client: Client, workflows: int) -> dict[str, Any]:
    """Run blocks of workflows until the database holds so many, and return what a task costs in each block."""
    connection = await mesh.connect()
    load = Load([client], connection, DEFINITION)
    block = min(_BLOCK, workflows // 4)
    blocks: list[Mapping[str, float]] = []
    held = 100
    try:
        await load.run(held, _CONCURRENT)
        while True:
            costs = Costs()
            ran = await load.run(block, _CONCURRENT)
            blocks.append({"workflows_before": held, **_part(costs, block * STEPS, ran.seconds)})
            held += block
            if held >= workflows:
                break
            between = min(workflows - block, 2 * held) - held
            if between > 0:
                await load.run(between, _FULL_BATCH)
                held += between
    finally:
        await connection.close()
    return {"workflows": held, **_first_and_last(blocks), "blocks": blocks}


def _part(costs: Costs, tasks: int, seconds: float) -> dict[str, float]:
    used = costs.cpu_seconds()
    paid = sum(cpu for name, cpu in used.items() if name.startswith(_PAYERS))
    return {
        "cpu_us_per_task": round(paid / max(1, tasks) * 1e6, 1),
        "ms_per_task": round(seconds / max(1, tasks) * 1e3, 3),
    }


def _first_and_last(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return what a task cost in the first third of the parts and in the last, and how much more that is."""
    third = max(1, len(parts) // 3)
    first, last = (
        statistics.median(part["cpu_us_per_task"] for part in some) for some in (parts[:third], parts[-third:])
    )
    return {
        "first_cpu_us_per_task": first,
        "last_cpu_us_per_task": last,
        "growth": round(last / max(first, 0.1) - 1, 3),
    }
