"""How many durable steps a second: many workflows of eight no-op steps at once, beside the floor of the same minute."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from benchmarks import floor, latency
from benchmarks.measure import Costs, in_ms, medians, peak_memory_mb
from benchmarks.mesh import Mesh
from benchmarks.profile import sampled
from benchmarks.work import STEPS, Load, chain

DEFINITION = "chain_of_eight"
_WARM_UP = 500
_IDLE_WORKFLOWS = 100


async def measure(
    mesh: Mesh, *, workflows: int, concurrent: int, runs: int, profiled: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure mesh and floor in turns, and return the median of each figure beside every run."""
    real: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    async with mesh.client() as client:
        await client.definitions.publish(chain(DEFINITION))
    for number in range(1, runs + 1):
        real.append(await once(mesh, workflows=workflows, concurrent=concurrent, profiled=profiled))
        bare.append(await floor.measure(mesh, workflows=workflows, concurrent=concurrent))
        done, could = real[-1]["tasks_per_second"], bare[-1]["tasks_per_second"]
        say(f"run {number} of {runs}: {done:,} tasks/s, floor {could:,} ({done / could:.0%})")
    idle = await latency.one_at_a_time(mesh, DEFINITION, min(_IDLE_WORKFLOWS, workflows))
    shares = [done["tasks_per_second"] / could["tasks_per_second"] for done, could in zip(real, bare, strict=True)]
    result = medians([_figures(each) for each in real])
    floors = medians([_figures(each) for each in bare])
    return {
        "tasks_per_second": result.pop("tasks_per_second"),
        "floor_tasks_per_second": floors["tasks_per_second"],
        "share_of_floor": round(statistics.median(shares), 3),
        **result,
        **idle,
        "floor": floors,
        "runs": real,
        "floor_runs": bare,
    }


async def once(mesh: Mesh, *, workflows: int, concurrent: int, profiled: str = "") -> dict[str, Any]:
    """Run the workflows once and return what it took. A few that are not counted come first."""
    connection = await mesh.connect()
    profile: list[str] = []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connection.close)
        clients = [await stack.enter_async_context(mesh.client(number)) for number in range(len(mesh.engines))]
        load = Load(clients, connection, DEFINITION)
        await load.run(min(_WARM_UP, workflows), concurrent)
        if profiled:
            profile = await stack.enter_async_context(sampled(mesh, profiled))
        costs = Costs()
        ran = await load.run(workflows, concurrent)
        used = costs.cpu_seconds()
    tasks = workflows * STEPS
    return {
        "tasks_per_second": ran.tasks_per_second,
        "workflows_per_second": round(workflows / ran.seconds),
        "seconds": round(ran.seconds, 3),
        "start_p50_ms": in_ms(ran.starts_seconds, 50),
        "start_p99_ms": in_ms(ran.starts_seconds, 99),
        "start_batch_p50_ms": in_ms(ran.calls_seconds, 50),
        "start_batch_p99_ms": in_ms(ran.calls_seconds, 99),
        "starts_measured": len(ran.starts_seconds),
        "starts_refused": ran.refused,
        "commits_per_second": ran.commits_per_second,
        "mean_batch": ran.mean_batch,
        "cpu_seconds": used,
        "cpu_us_per_task": {name: round(seconds / tasks * 1e6, 1) for name, seconds in used.items()},
        "peak_memory_mb": peak_memory_mb(),
        **({"profile": profile} if profiled else {}),
    }


def _figures(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name != "profile"}
