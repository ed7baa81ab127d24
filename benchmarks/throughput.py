"""How many durable steps a second: many workflows of eight no-op steps at once."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.measure import Costs, in_ms
from benchmarks.mesh import Mesh, wait
from benchmarks.profile import sampled
from benchmarks.work import STEPS, Progress, chain

_WARM_UP = 200


async def measure(mesh: Mesh, *, workflows: int, concurrent: int, profiled: str = "") -> dict[str, Any]:
    """Run the workflows and return what it took."""
    async with mesh.client() as client:
        await client.definitions.publish(chain("chain_of_eight"))
        await Progress(mesh, "chain_of_eight").run(client, min(_WARM_UP, workflows), concurrent)
        await wait(0.5)
        connection = await mesh.connect()
        commits_before = await _commits(connection)
        costs = Costs(mesh)
        progress = Progress(mesh, "chain_of_eight")
        async with AsyncExitStack() as stack:
            profile = await stack.enter_async_context(sampled(mesh, profiled)) if profiled else []
            seconds = await progress.run(client, workflows, concurrent)
        cpu = costs.cpu_seconds()
        commits = await _commits(connection) - commits_before
        await connection.close()
        tasks = workflows * STEPS
        return {
            "workflows": workflows,
            "concurrent": concurrent,
            "seconds": round(seconds, 3),
            "tasks_per_second": round(tasks / seconds),
            "workflows_per_second": round(workflows / seconds),
            "start_call_p50_ms": in_ms(progress.starts_seconds, 50),
            "start_call_p99_ms": in_ms(progress.starts_seconds, 99),
            "refused": progress.refused,
            "commits_per_second": round(commits / seconds, 1),
            "mean_batch": round(workflows * (STEPS + 1) / max(commits, 1), 1),
            "cpu_seconds": cpu,
            "cpu_us_per_task": {kind: round(used / tasks * 1e6, 1) for kind, used in cpu.items()},
            "peak_memory_mb": costs.peak_memory_mb(),
            "idle": await _idle(client),
            **({"profile": profile} if profiled else {}),
        }


async def _idle(client: Any, runs: int = 60) -> dict[str, float]:
    """Measure one workflow at a time, from its start to the word of its end."""
    took: list[float] = []
    for number in range(runs):
        began = time.perf_counter()
        workflow = await client.start("chain_of_eight", {"n": number})
        await client.wait(workflow.workflow_id)
        took.append(time.perf_counter() - began)
    return {"end_to_end_p50_ms": in_ms(took, 50), "end_to_end_p99_ms": in_ms(took, 99)}


async def _commits(connection: Any) -> int:
    """Return how many transactions committed a batch so far, by PostgreSQL's own count of rows inserted."""
    found: int = await connection.fetchval("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'commits'")
    return found
