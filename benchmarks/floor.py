"""What the machine could do at best: the same messages over bare streams, the same rows in batches, and no rules.

It is the design's own floor, not the hardware's: `bare_engine` and `bare_agent` are processes like the real ones and
are driven by the same load through the same client. What they leave out is what the engine is for.
"""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Costs, in_ms
from benchmarks.mesh import Mesh
from benchmarks.work import STEPS, Load, chain

WARM_UP = 200


async def measure(mesh: Mesh, *, workflows: int, concurrent: int) -> dict[str, Any]:
    """Run the workflows through the bare engine once. The real one must have run some before: see `warm_up`."""
    connection = await mesh.connect()
    try:
        async with mesh.bare_client() as client:
            load = Load([client], connection, "bare", schema="floor")
            await load.run(min(WARM_UP, workflows), concurrent)
            costs = Costs()
            ran = await load.run(workflows, concurrent)
    finally:
        await connection.close()
    used = costs.cpu_seconds()
    return {
        "tasks_per_second": ran.tasks_per_second,
        "seconds": round(ran.seconds, 3),
        "start_p50_ms": in_ms(ran.starts_seconds, 50),
        "start_p99_ms": in_ms(ran.starts_seconds, 99),
        "commits_per_second": ran.commits_per_second,
        "mean_batch": ran.mean_batch,
        "cpu_seconds": used,
        "cpu_us_per_task": {name: round(seconds / (workflows * STEPS) * 1e6, 1) for name, seconds in used.items()},
    }


async def warm_up(mesh: Mesh, workflows: int) -> None:
    """Have the real engine run some workflows, so that there are rows to be like."""
    connection = await mesh.connect()
    try:
        async with mesh.client() as client:
            await client.definitions.publish(chain("warm_up"))
            await Load([client], connection, "warm_up").run(min(WARM_UP, workflows), WARM_UP)
    finally:
        await connection.close()
