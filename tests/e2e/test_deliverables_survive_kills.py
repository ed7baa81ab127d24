"""The chain of eight, its engine killed after every step, makes the same files as one that nobody disturbs."""

from __future__ import annotations

import asyncio

import yaml
from small_mesh import SmallMesh

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.language.builtin import builtin_definitions
from archwright.local.programs import ROLES

REQUEST = {"request": "A museum sells tickets online. Visitors must book a time slot and pay by card."}
SECONDS_MAX = 120.0


def with_gates() -> tuple[str, list[str]]:
    """Return the chain with a signal to wait for after each of its steps, and the signals' names."""
    chain = yaml.safe_load(builtin_definitions()["architecture_creation"])
    chain["name"] = "gated"
    steps, gates = [], []
    for step in chain["steps"]:
        gates.append(f"after_{step['name']}")
        steps += [step, {"name": gates[-1], "wait": {"signal": gates[-1]}}]
    return yaml.safe_dump({**chain, "steps": steps}), gates


async def carried(mesh: SmallMesh, *, is_killed: bool) -> dict[str, str]:
    """Return the SHA-256 of each file that a workflow of the chain made."""
    source, gates = with_gates()
    async with asyncio.timeout(SECONDS_MAX), mesh.client() as client:
        await client.definitions.publish(source)
        workflow_id = (await client.start("gated", REQUEST)).workflow_id
        for gate in gates:
            await reached(client, workflow_id, gate)
            if is_killed:
                mesh.engine.kill()
                await mesh.restart_engine()
            await client.signal(workflow_id, gate)
        ended = await client.wait(workflow_id)
        assert ended.status == Workflow.COMPLETED, ended.error_details
        return {one.name: one.sha256 for one in await client.artifacts(workflow_id)}


async def reached(client: Client, workflow_id: str, gate: str) -> None:
    """Return once the workflow waits at a gate."""
    while True:
        found = await client.get(workflow_id)
        assert found.status == Workflow.RUNNING, found.error_details
        if gate in {one.step for one in found.waiting_for}:
            return


async def test_an_engine_that_is_killed_after_every_step_changes_no_byte(mesh: SmallMesh) -> None:
    async with asyncio.TaskGroup() as group:
        for role in ROLES:
            group.create_task(mesh.add_agent(role, program=("-m", "services.agents", role)))

    calm = await carried(mesh, is_killed=False)
    killed = await carried(mesh, is_killed=True)

    assert {"report.html", "model.xml", "deliverables/scaffold.json"} <= set(calm)
    assert killed == calm
