"""What an operator decides about an agent: nothing new for it, and what it holds it finishes."""

from __future__ import annotations

import asyncio

from small_mesh import SmallMesh

from archwright import Client
from archwright.client.definitions import text
from archwright.engine.v1.workflows_pb2 import TaskProgress, Workflow
from archwright.registry.v1.agent_registry_pb2 import Agent

SLOW = "name: slow\nsteps: [{name: a, agent: worker, input: {seconds: '${seconds}'}}]"


async def is_under_way(client: Client, workflow_id: str) -> None:
    """Wait until an agent has said that it works on the workflow's task."""
    async for update in client.watch(workflow_id):
        if isinstance(update, TaskProgress) and update.percent:
            return


async def takers_are(client: Client, *agent_ids: str) -> None:
    """Wait until the engine has heard that these agents, and no others, would take the step."""
    async with asyncio.timeout(10):
        while {each.agent_id for each in (await client.definitions.plan(text(SLOW))).steps[0].agents} != set(agent_ids):
            pass


async def done_by(client: Client, workflow_id: str) -> str:
    """Return which agent did the only task of a workflow, once it is completed."""
    assert (await client.wait(workflow_id)).status == Workflow.COMPLETED
    [task] = await client.tasks(workflow_id)
    return task.agent_id


async def test_a_drained_agent_finishes_what_it_holds_and_the_work_moves_to_another(mesh: SmallMesh) -> None:
    await mesh.add_agent("worker", name="first")
    platform = mesh.registry_client()
    async with mesh.client() as client, platform:
        await client.definitions.publish(SLOW)
        held = await client.start("slow", {"seconds": 2})
        await is_under_way(client, held.workflow_id)

        drained = await platform.agents.drain("first")
        assert drained.drained_by == "olga"
        await takers_are(client)
        waiting = await client.start("slow", {"seconds": 0})

        assert await done_by(client, held.workflow_id) == "first"
        await mesh.add_agent("worker", name="second")
        assert await done_by(client, waiting.workflow_id) == "second"

        await platform.agents.drain("second")
        await platform.agents.resume("first")
        await takers_are(client, "first")
        last = await client.start("slow", {"seconds": 0})
        assert await done_by(client, last.workflow_id) == "first"


async def test_an_agent_that_is_told_to_stop_says_at_once_that_it_goes(mesh: SmallMesh) -> None:
    agent = await mesh.add_agent("worker", name="first")
    async with mesh.client() as client, mesh.registry_client() as platform, asyncio.TaskGroup() as group:
        await client.definitions.publish(SLOW)
        held = await client.start("slow", {"seconds": 4})
        await is_under_way(client, held.workflow_id)

        stopping = group.create_task(agent.stop())
        async with asyncio.timeout(3):  # its next heartbeat is due in ten
            while (await platform.agents.get("first")).status != Agent.DRAINING:
                pass

        assert await done_by(client, held.workflow_id) == "first"
        assert await stopping == 0


async def test_a_registry_that_is_down_stops_nobodys_work(mesh: SmallMesh) -> None:
    await mesh.add_agent("worker", name="first")
    async with mesh.client() as client:
        await client.definitions.publish(SLOW)
        mesh.registry.kill()
        await mesh.registry.gone()

        workflow = await client.start("slow", {"seconds": 0})

        assert (await client.wait(workflow.workflow_id)).status == Workflow.COMPLETED
