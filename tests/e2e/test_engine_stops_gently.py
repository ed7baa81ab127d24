"""An engine that is asked to stop sends agents and watchers elsewhere, and goes."""

from __future__ import annotations

import asyncio
import time

from small_mesh import SmallMesh
from waiting import until


async def test_an_engine_with_agents_and_watchers_stops_well_within_its_drain_time(mesh: SmallMesh) -> None:
    await mesh.add_agent("worker")
    async with mesh.client() as client:
        await client.definitions.publish("name: slow\nsteps: [{name: a, agent: worker, input: {seconds: 1}}]")
        workflow = await client.start("slow", {})
        watching = asyncio.ensure_future(client.wait(workflow.workflow_id))
        [task] = await client.tasks(workflow.workflow_id)
        await until(lambda: (mesh.folder / "engine.log").read_text().count("agent_connected") > 0)
        asked = time.monotonic()

        assert await mesh.engine.stop() == 0

        assert time.monotonic() - asked < 5
        await mesh.restart_engine()
        assert (await watching).workflow_id == workflow.workflow_id
        assert len(mesh.ledger) == 1, f"task {task.task_id} was done twice, though its agent kept it"
