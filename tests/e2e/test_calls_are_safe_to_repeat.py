"""A mutation that is sent again with its request_id gets the same answer and changes nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from small_mesh import SmallMesh

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestIdReused, TransitionIllegal


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        await found.definitions.publish("name: idle\nsteps: [{name: a, agent: nobody}]")
        yield found


async def test_a_start_that_is_repeated_is_one_workflow(client: Client) -> None:
    first = await client.start("idle", {"n": 1}, request_id="once")

    assert (await client.start("idle", {"n": 1}, request_id="once")).workflow_id == first.workflow_id


async def test_a_request_id_with_another_body_is_refused(client: Client) -> None:
    await client.start("idle", {"n": 1}, request_id="taken")

    with pytest.raises(RequestIdReused, match="'taken' has started another workflow"):
        await client.start("idle", {"n": 2}, request_id="taken")


async def test_a_cancellation_that_is_repeated_gets_the_same_answer(client: Client) -> None:
    workflow = await client.start("idle", {})

    first = await client.cancel(workflow.workflow_id, "enough", request_id="stop")
    again = await client.cancel(workflow.workflow_id, "enough", request_id="stop")

    assert first == again
    assert again.status == pb.Workflow.CANCELLED


async def test_cancelling_what_somebody_else_has_cancelled_is_refused(client: Client) -> None:
    workflow = await client.start("idle", {})
    await client.cancel(workflow.workflow_id)

    with pytest.raises(TransitionIllegal, match="is cancelled and cannot become cancelled"):
        await client.cancel(workflow.workflow_id)


async def test_publishing_the_same_content_again_is_the_same_definition(client: Client) -> None:
    source = "name: twice\nversion: 2.0.0\nsteps: [{name: a, agent: nobody}]"

    assert await client.definitions.publish(source) == await client.definitions.publish(source)
