"""Two engines share one limit: never more workflows under way than allowed, and every one that waits gets its turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from checker import Outside, violations
from checker.outages import faults
from players import players
from small_mesh import SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import LimitReached

LIMIT, WORKFLOWS = 20, 200
LIMITED = {"ARCHWRIGHT_MAX_CONCURRENT_WORKFLOWS": str(LIMIT)}
SHORT_LEASES = {"ARCHWRIGHT_LEASE_SECONDS": "3", "ARCHWRIGHT_RENEW_SECONDS": "0.6"}
TWO_STEPS = """
name: limited
steps:
  - {name: a, agent: worker, input: {seconds: 0.02}}
  - {name: b, agent: worker, input: {seconds: 0.02}}
"""
_UNDER_WAY = "SELECT count(DISTINCT workflow_id) FROM engine.open_tasks"


@contextlib.asynccontextmanager
async def watched(database: Any) -> AsyncIterator[list[int]]:
    """Count again and again how many workflows are under way, as the database has it."""
    owner = await asyncpg.connect(database.owner_dsn)
    counts: list[int] = []
    enough = asyncio.Event()

    async def count() -> None:
        while not enough.is_set():
            counts.append(await owner.fetchval(_UNDER_WAY))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await enough.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(count())
        try:
            yield counts
        finally:
            enough.set()
    await owner.close()


async def start_all(client: Client, count: int) -> list[str]:
    await client.definitions.publish(TWO_STEPS)
    outcomes = await client.start_many("limited", [{} for _ in range(count)])
    assert all(outcome.workflow_id for outcome in outcomes), outcomes
    return [outcome.workflow_id for outcome in outcomes]


async def all_completed(client: Client, workflow_ids: list[str]) -> list[pb.Workflow]:
    async with asyncio.timeout(120):
        found = [await client.wait(workflow_id) for workflow_id in workflow_ids]
    assert {workflow.status for workflow in found} == {pb.Workflow.COMPLETED}
    return found


async def test_engines_that_stop_leave_no_permit_behind(meshes: Any, database: Any) -> None:
    async with meshes(replicas=2, **LIMITED) as mesh, mesh.client() as client:
        await mesh.add_agent("worker", SLOTS="50")
        await all_completed(client, await start_all(client, LIMIT))

    owner = await asyncpg.connect(database.owner_dsn)
    assert await owner.fetchval("SELECT sum(lent) FROM engine.quotas") == 0
    assert await owner.fetchval("SELECT count(*) FROM engine.permits") == 0
    await owner.close()


async def test_no_more_than_the_limit_are_under_way_and_the_oldest_begin_first(meshes: Any, database: Any) -> None:
    async with meshes(replicas=2, **LIMITED) as mesh, mesh.client() as client:
        for name in ("a", "b"):
            await mesh.add_agent("worker", name=f"worker-{name}", SLOTS="50")
        async with watched(database) as counts:
            workflow_ids = await start_all(client, WORKFLOWS)
            found = await all_completed(client, workflow_ids)
        assert LIMIT // 2 < max(counts) <= LIMIT
        begun = [workflow.started_at.ToMicroseconds() for workflow in found]
        out_of_turn = sum(later < earlier for earlier, later in zip(begun, begun[LIMIT * 2 :], strict=False))
        assert out_of_turn == 0, "one began before another that had waited far longer"
        assert await violations(database.owner_dsn) == []


async def test_starts_beyond_the_queue_are_refused_with_a_time_to_try_again(meshes: Any, database: Any) -> None:
    async with (
        meshes(ARCHWRIGHT_MAX_CONCURRENT_WORKFLOWS="5", ARCHWRIGHT_MAX_QUEUE_DEPTH="10") as mesh,
        mesh.client() as client,
    ):
        workflow_ids = await start_all(client, 30)  # no agent is there
        refusal = await until_refused(client, workflow_ids)
        await mesh.add_agent("worker")
        await all_completed(client, workflow_ids)

    assert refusal.retry_after_seconds == 5.0
    assert "wait already; at most 10 may" in refusal.message


async def until_refused(client: Client, workflow_ids: list[str]) -> LimitReached:
    """Start more until a start is refused: how much waits is noticed within a second."""
    async with asyncio.timeout(20):
        while True:
            try:
                workflow_ids.append((await client.start("limited", {})).workflow_id)
            except LimitReached as refusal:
                return refusal


async def test_no_more_agents_of_a_type_than_allowed_may_connect(meshes: Any) -> None:
    async with meshes(ARCHWRIGHT_MAX_AGENT_INSTANCES="2") as mesh, players(mesh) as cast:
        for _ in range(2):
            await cast.add("crowd")
        await cast.add("another_type")

        with pytest.raises(TimeoutError):
            await third(mesh, cast)


async def third(mesh: SmallMesh, cast: Any) -> None:
    async with asyncio.timeout(3):
        await cast.add("crowd")


# Last: for half a minute its engine counts as alive, and what it had borrowed as lent.
async def test_the_permits_of_a_killed_replica_come_back(meshes: Any, database: Any) -> None:
    async with meshes(replicas=2, **LIMITED, **SHORT_LEASES) as mesh, mesh.client() as client:
        await mesh.add_agent("worker", name="worker-c", SLOTS="50")
        workflow_ids = await start_all(client, 80)
        await until(lambda: len(mesh.ledger) >= 20)

        with faults() as struck:
            mesh.engine.kill()

        async with watched(database) as counts:
            await all_completed(client, workflow_ids)
        assert max(counts) <= LIMIT
        assert await violations(database.owner_dsn, Outside(outage=struck.outage)) == []
