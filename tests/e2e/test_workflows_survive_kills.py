"""Kill the engine or an agent in the middle: every workflow finishes, nothing is lost, nothing is applied twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from checker import Outside, violations
from checker.outages import faults
from small_mesh import SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb

STEPS = 6
WORKFLOWS = 8
_LINES = [f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.05}}}}" for n in range(STEPS)]
CHAIN = "\n".join(["name: killed", "steps:", *_LINES])


async def start_all(client: Client) -> list[str]:
    await client.definitions.publish(CHAIN)
    started = [await client.start("killed", {}, request_id=f"killed-{n}-{random.random()}") for n in range(WORKFLOWS)]
    return [workflow.workflow_id for workflow in started]


async def until_some_effects(mesh: SmallMesh, count: int) -> None:
    await until(lambda: len(mesh.ledger) >= count)


async def finish(client: Client, workflow_ids: Sequence[str]) -> None:
    async with asyncio.timeout(90):
        ended = await asyncio.gather(*(client.wait(workflow_id) for workflow_id in workflow_ids))
    assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}
    assert all(len(workflow.steps_completed) == STEPS for workflow in ended)


def assert_effects_fit(mesh: SmallMesh, workflow_ids: Sequence[str]) -> None:
    effects = [effect for effect in mesh.ledger if effect["workflow_id"] in workflow_ids]
    assert len({effect["task_id"] for effect in effects}) == WORKFLOWS * STEPS
    repeated = [(effect["task_id"], effect["attempt"]) for effect in effects]
    assert len(set(repeated)) == len(repeated), "an effect happened twice under one attempt"


@pytest.mark.parametrize("victim", ["engine", "agent", "registry", "both"])
async def test_a_kill_in_the_middle_loses_and_doubles_nothing(mesh: SmallMesh, database: Any, victim: str) -> None:
    agent = await mesh.add_agent("worker")
    async with mesh.client() as client:
        workflow_ids = await start_all(client)
        await until_some_effects(mesh, random.randrange(1, WORKFLOWS * STEPS // 2))
        with faults() as struck:
            if victim in ("agent", "both"):
                agent.kill()
            if victim in ("engine", "both"):
                mesh.engine.kill()
                await mesh.restart_engine()
            if victim == "registry":
                mesh.registry.kill()
                await mesh.registry.gone()
            if victim in ("agent", "both"):
                await agent.gone()
                await agent.start()
        await finish(client, workflow_ids)
    assert_effects_fit(mesh, workflow_ids)
    assert await violations(database.owner_dsn, Outside(outage=struck.outage)) == []


async def test_a_killed_agents_work_goes_to_its_twin_when_the_lease_is_over(meshes: Any, database: Any) -> None:
    async with meshes(ARCHWRIGHT_LEASE_SECONDS="3", ARCHWRIGHT_RENEW_SECONDS="0.6") as mesh:
        await mesh.add_agent("worker", name="one")
        async with mesh.client() as client:
            workflow_ids = await start_all(client)
            await until_some_effects(mesh, 3)
            await mesh.add_agent("worker", name="two")
            with faults() as struck:
                mesh.agents["one"].kill()
            await finish(client, workflow_ids)
        assert_effects_fit(mesh, workflow_ids)
        assert await violations(database.owner_dsn, Outside(outage=struck.outage)) == []
