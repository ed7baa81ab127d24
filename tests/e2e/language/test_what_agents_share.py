"""What one agent leaves in a workflow for others: files, and only while they work for it."""

from __future__ import annotations

import pytest
from players import Players, run
from small_mesh import SmallMesh

from archwright import Client, Task
from archwright.errors import ArtifactNotFound, WorkflowNotFound
from archwright.payloads import Json
from archwright.sdk import artifacts
from archwright.sdk.replicas import Replicas


async def draw(task: Task) -> Json:
    await task.put_artifact("drawings/plan.svg", b"<svg/>" * 30_000, "image/svg+xml")
    return {}


async def test_a_step_reads_the_files_of_the_step_before(client: Client, cast: Players) -> None:
    async def read(task: Task) -> Json:
        with pytest.raises(ArtifactNotFound, match=r"plan\.png"):
            await task.get_artifact("plan.png")
        return {"bytes": len(await task.get_artifact("drawings/plan.svg"))}

    await cast.add("drawer", draw)
    await cast.add("reader", read)

    done = await run(
        client, "name: files_in\nsteps: [{name: a, agent: drawer}, {name: b, agent: reader, depends_on: [a]}]"
    )

    assert done.output["b"] == {"bytes": 180_000}


async def test_an_agent_reads_nothing_of_a_workflow_that_it_does_not_work_for(
    client: Client, cast: Players, mesh: SmallMesh
) -> None:
    artist = await cast.add("artist", draw)
    done = await run(client, "name: files_kept\nsteps: [{name: a, agent: artist}]")
    token, _ = mesh.signer.sign(subject=artist.agent_id, tenant="platform", roles=["agent"], ttl_seconds=60)
    engine = Replicas(mesh.address, token=token)

    with pytest.raises(WorkflowNotFound):
        await artifacts.get(engine, done.workflow.workflow_id, "drawings/plan.svg")

    await engine.aclose()
