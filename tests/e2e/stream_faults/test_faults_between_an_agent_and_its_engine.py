"""What the network and frozen processes do to an agent's stream, and that no task is lost or counted twice for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fault_proxy import FaultProxy
from small_mesh import SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

SHORT_LEASES = {"ARCHWRIGHT_LEASE_SECONDS": "3", "ARCHWRIGHT_RENEW_SECONDS": "0.3"}
SOURCE = "name: one\nsteps: [{name: a, agent: worker, input: {seconds: '${seconds}'}}]"


@pytest.fixture
async def mesh(meshes: Any, request: pytest.FixtureRequest) -> AsyncIterator[SmallMesh]:
    async with meshes(**getattr(request, "param", SHORT_LEASES)) as found, found.client() as client:
        await client.definitions.publish(SOURCE)
        yield found


@pytest.fixture
async def proxy(mesh: SmallMesh) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(lambda: mesh.engine.address).serving() as found:
        yield found


async def held_by(client: Client, seconds: float, agent_id: str) -> str:
    """Start a workflow whose task takes so long, and return its id once the agent works on it."""
    workflow = await client.start("one", {"seconds": seconds})
    async with asyncio.timeout(20):
        while (await client.tasks(workflow.workflow_id))[0].agent_id != agent_id:
            pass
    return workflow.workflow_id


async def done(client: Client, workflow_id: str) -> tuple[str, int]:
    """Return who did the only task of a workflow, and in which attempt."""
    async with asyncio.timeout(60):
        assert (await client.wait(workflow_id)).status == Workflow.COMPLETED
    [task] = await client.tasks(workflow_id)
    return task.agent_id, task.attempt


def effects(mesh: SmallMesh, workflow_id: str) -> list[int]:
    """Return the attempts that had an effect outside."""
    return [int(each["attempt"]) for each in mesh.ledger if each["workflow_id"] == workflow_id]


async def test_a_connection_that_is_half_open_is_left_for_another(mesh: SmallMesh, proxy: FaultProxy) -> None:
    await mesh.add_agent("worker", ARCHWRIGHT_ENGINE_ADDRESS=f"http://{proxy.address}")
    async with mesh.client() as client:
        workflow_id = await held_by(client, 5, "worker-1")
        connections = proxy.connections

        proxy.cut_off()

        await until(lambda: proxy.connections > connections)
        agent_id, attempt = await done(client, workflow_id)
        assert agent_id == "worker-1"
        # It kept the task, or stopped it by itself before it was given it anew.
        assert effects(mesh, workflow_id) == [attempt]


# An agent whose streams break one after the other waits longer each time, at the third up to four seconds.
@pytest.mark.parametrize("mesh", [{}], indirect=True, ids=["whole leases"])
async def test_a_connection_that_is_reset_while_a_result_is_on_its_way_costs_nothing(
    mesh: SmallMesh, proxy: FaultProxy
) -> None:
    await mesh.add_agent("worker", ARCHWRIGHT_ENGINE_ADDRESS=f"http://{proxy.address}")
    async with mesh.client() as client:
        for _ in range(3):
            workflow_id = await held_by(client, 0.5, "worker-1")
            proxy.hold()  # the result is written, and goes nowhere
            await until(lambda workflow_id=workflow_id: effects(mesh, workflow_id) == [1])

            proxy.reset()
            proxy.release()

            assert await done(client, workflow_id) == ("worker-1", 1)
            assert effects(mesh, workflow_id) == [1]


async def test_a_slow_way_changes_nothing(mesh: SmallMesh, proxy: FaultProxy) -> None:
    await mesh.add_agent("worker", ARCHWRIGHT_ENGINE_ADDRESS=f"http://{proxy.address}")
    async with mesh.client() as client:
        proxy.delay_seconds = 0.25

        workflow_id = await held_by(client, 2, "worker-1")

        assert await done(client, workflow_id) == ("worker-1", 1)
        assert effects(mesh, workflow_id) == [1]


async def test_the_tasks_of_an_agent_that_is_cut_off_for_longer_than_a_lease_move(
    mesh: SmallMesh, proxy: FaultProxy
) -> None:
    await mesh.add_agent("worker", ARCHWRIGHT_ENGINE_ADDRESS=f"http://{proxy.address}")
    async with mesh.client() as client:
        workflow_id = await held_by(client, 6, "worker-1")

        proxy.hold()
        await mesh.add_agent("worker", name="worker-2")

        agent_id, attempt = await done(client, workflow_id)
        assert (agent_id, attempt > 1) == ("worker-2", True)
        proxy.release()
        # The one that was cut off stopped by itself, before the other began.
        assert effects(mesh, workflow_id) == [attempt]


async def test_the_late_word_of_an_agent_that_was_frozen_does_not_count(mesh: SmallMesh) -> None:
    frozen = await mesh.add_agent("worker")
    assert frozen.process is not None
    async with mesh.client() as client:
        workflow_id = await held_by(client, 1, "worker-1")

        frozen.process.send_signal(signal.SIGSTOP)
        try:
            await mesh.add_agent("worker", name="worker-2")
            agent_id, attempt = await done(client, workflow_id)
        finally:
            frozen.process.send_signal(signal.SIGCONT)

        assert (agent_id, attempt > 1) == ("worker-2", True)
        log = mesh.folder / "worker-1.log"
        await until(lambda: log.read_text().count('"connected"') == 2)
        assert await done(client, workflow_id) == (agent_id, attempt)
        after = await client.start("one", {"seconds": 0})
        assert (await client.wait(after.workflow_id)).status == Workflow.COMPLETED


async def test_an_engine_that_is_frozen_is_left_and_the_task_kept_or_moved(meshes: Any) -> None:
    async with meshes(replicas=2, **SHORT_LEASES) as mesh, mesh.client() as client:
        await client.definitions.publish(SOURCE)
        for name in ("worker-1", "worker-2"):
            await mesh.add_agent("worker", name=name)
        frozen, well = mesh.engines
        assert frozen.process is not None
        token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["operator", "viewer"], ttl_seconds=600)
        async with Client(f"http://{well.address}", token) as there:
            begun = [(await there.start("one", {"seconds": 3})).workflow_id for _ in range(6)]

            frozen.process.send_signal(signal.SIGSTOP)
            try:
                for workflow_id in begun:
                    await done(there, workflow_id)
            finally:
                frozen.process.send_signal(signal.SIGCONT)

            for workflow_id in begun:
                attempts = effects(mesh, workflow_id)
                assert len(attempts) == len(set(attempts)), "an attempt has its effect once"
