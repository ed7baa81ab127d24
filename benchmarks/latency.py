"""How long a caller waits: for the end of one workflow on an idle mesh, and for a start while many are under way."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.measure import in_ms
from benchmarks.mesh import Mesh
from benchmarks.profile import sampled
from benchmarks.work import Load, chain

_WARM_UP = 20


async def measure(
    mesh: Mesh, *, workflows: int, concurrent: int, under_load: int, profiled: str = ""
) -> dict[str, Any]:
    """Measure `workflows` one after the other, then starts while `under_load` others run, `concurrent` at once."""
    definition = "chain_of_eight"
    async with mesh.client() as client:
        await client.definitions.publish(chain(definition))
        profile: list[str] = []
        async with AsyncExitStack() as stack:
            if profiled:
                profile = await stack.enter_async_context(sampled(mesh, profiled))
            idle = await one_at_a_time(mesh, definition, workflows)
        connection = await mesh.connect()
        try:
            ran = await Load([client], connection, definition).run(under_load, concurrent)
        finally:
            await connection.close()
    return {
        **idle,
        "start_p50_ms": in_ms(ran.starts_seconds, 50),
        "start_p99_ms": in_ms(ran.starts_seconds, 99),
        "starts_measured": len(ran.starts_seconds),
        "tasks_per_second": ran.tasks_per_second,
        **({"profile": profile} if profiled else {}),
    }


async def one_at_a_time(mesh: Mesh, definition: str, workflows: int) -> dict[str, float | None]:
    """Run one workflow after the other; each counts from the call that starts it to the word that it has ended."""
    starts: list[float] = []
    ends: list[float] = []
    async with mesh.client() as client:
        for number in range(_WARM_UP + workflows):
            began = time.perf_counter()
            workflow = await client.start(definition, {"n": number})
            starts.append(time.perf_counter() - began)
            async for _ in client.watch(workflow.workflow_id, only_end=True):
                pass
            ends.append(time.perf_counter() - began)
    return {
        "idle_start_p50_ms": in_ms(starts[_WARM_UP:], 50),
        "idle_start_p99_ms": in_ms(starts[_WARM_UP:], 99),
        "idle_end_to_end_p50_ms": in_ms(ends[_WARM_UP:], 50),
        "idle_end_to_end_p99_ms": in_ms(ends[_WARM_UP:], 99),
        "idle_workflows": workflows,
    }
