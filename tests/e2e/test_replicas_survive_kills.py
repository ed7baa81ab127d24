"""Several engine replicas share one database: whichever is killed, the others finish its work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from checker import Outside, violations
from checker.bus import published
from checker.facts import Effect
from small_mesh import SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from services.chassis.clock import SystemClock
from services.engine.ports.keys import Key

STEPS, WORKFLOWS = 5, 50
CHAIN = "\n".join(
    ["name: shared", "steps:", *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.02}}}}" for n in range(STEPS))]
)
SHORT_LEASES = {"ARCHWRIGHT_LEASE_SECONDS": "3", "ARCHWRIGHT_RENEW_SECONDS": "0.6"}
DRAIN_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.5


async def start_all(client: Client) -> list[str]:
    await client.definitions.publish(CHAIN)
    return [(await client.start("shared", {})).workflow_id for _ in range(WORKFLOWS)]


async def in_the_midst(mesh: SmallMesh) -> None:
    """Wait until a good part of the work is done, and a good part is not."""
    await until(lambda: len(mesh.ledger) >= WORKFLOWS * STEPS // 4)
    assert len(mesh.ledger) < WORKFLOWS * STEPS


async def finish(client: Client, workflow_ids: Sequence[str]) -> None:
    async with asyncio.timeout(90):
        ended = await asyncio.gather(*(client.wait(workflow_id) for workflow_id in workflow_ids))
    assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}
    assert all(len(workflow.steps_completed) == STEPS for workflow in ended)


async def assert_sound(mesh: SmallMesh, database: Any, redis_url: str, workflow_ids: Sequence[str]) -> None:
    """See that no invariant is violated, once the outbox had its time to drain."""
    found = [""]
    clock, waited = SystemClock(), 0.0
    while found and waited < DRAIN_SECONDS_MAX:
        seen = Outside(
            acknowledged=[Key("acme", workflow_id) for workflow_id in workflow_ids],
            published=await published(redis_url),
            effects=[Effect(effect["task_id"], int(effect["attempt"])) for effect in mesh.ledger],
            must_be_over=True,
        )
        found = await violations(database.owner_dsn, seen, among=workflow_ids)
        await clock.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    assert found == []


@pytest.mark.parametrize("victims", ["one", "the other", "both"])
async def test_fifty_workflows_survive_a_kill_of_their_replicas(
    meshes: Any, database: Any, valkey: str, victims: str
) -> None:
    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=valkey, **SHORT_LEASES) as mesh:
        for name in ("a", "b"):
            await mesh.add_agent("worker", name=f"worker-{name}")
        async with mesh.client() as client:
            workflow_ids = await start_all(client)
            await in_the_midst(mesh)
            one, other = mesh.engines
            for engine in {"one": [one], "the other": [other], "both": [one, other]}[victims]:
                engine.kill()
            if victims == "both":
                for engine in mesh.engines:
                    await mesh.restart_engine(engine)
            await finish(client, workflow_ids)
        await assert_sound(mesh, database, valkey, workflow_ids)


async def test_fifty_workflows_survive_a_kill_of_an_agent_that_worked_for_two_replicas(
    meshes: Any, database: Any, valkey: str
) -> None:
    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=valkey, **SHORT_LEASES) as mesh:
        for name in ("a", "b"):
            await mesh.add_agent("worker", name=f"worker-{name}")
        async with mesh.client() as client:
            workflow_ids = await start_all(client)
            await in_the_midst(mesh)
            mesh.agents["worker-a"].kill()
            await finish(client, workflow_ids)
        await assert_sound(mesh, database, valkey, workflow_ids)
