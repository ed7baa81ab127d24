"""What one replica makes, or calls off, reaches an agent of another at once, and soon even without Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from players import players
from waiting import until

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

SOURCE = "name: far\nsteps: [{name: a, agent: far}]"
# So rarely do replicas look by themselves here that what comes soon came by a hint.
DEAF = {"ARCHWRIGHT_POLL_SECONDS": "60", "ARCHWRIGHT_LEASE_SECONDS": "60", "ARCHWRIGHT_RENEW_SECONDS": "20"}
SOON_SECONDS = 10.0


class Hands:
    """The function of an agent that works until it is told to stop."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.was_cancelled = False
        self.begun = 0

    async def work(self, task: Any) -> dict[str, str]:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return {"step": task.step}


@pytest.fixture
async def clients(meshes: Any, valkey: str, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    settings = getattr(request, "param", DEAF | {"ARCHWRIGHT_REDIS_URL": valkey})
    async with meshes(replicas=2, **settings) as mesh, players(mesh) as cast:
        token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["operator", "admin"], ttl_seconds=600)
        here, there = (Client(f"http://{engine.address}", token) for engine in mesh.engines)
        hands = Hands()
        async with here, there:
            await here.definitions.publish(SOURCE)
            await cast.add("far", hands.work, address=mesh.engines[1].address)
            yield here, there, hands
            hands.may_end.set()


async def test_a_task_that_is_made_at_one_replica_is_begun_by_an_agent_of_the_other_at_once(clients: Any) -> None:
    here, there, hands = clients
    asked = time.monotonic()
    workflow = await here.start("far", {})

    await until(lambda: hands.begun == 1, seconds_max=SOON_SECONDS)

    assert time.monotonic() - asked < SOON_SECONDS
    hands.may_end.set()
    assert (await there.wait(workflow.workflow_id)).status == Workflow.COMPLETED


async def test_a_task_that_is_called_off_at_one_replica_is_stopped_at_the_other_at_once(clients: Any) -> None:
    here, _, hands = clients
    workflow = await here.start("far", {})
    await until(lambda: hands.begun == 1, seconds_max=SOON_SECONDS)

    await here.cancel(workflow.workflow_id)

    await until(lambda: hands.was_cancelled, seconds_max=SOON_SECONDS)


@pytest.mark.parametrize("clients", [{}], indirect=True, ids=["without Redis"])
async def test_without_redis_the_same_takes_a_look_longer(clients: Any) -> None:
    here, _, hands = clients
    workflow = await here.start("far", {})
    await until(lambda: hands.begun == 1, seconds_max=SOON_SECONDS)

    await here.cancel(workflow.workflow_id)

    await until(lambda: hands.was_cancelled, seconds_max=SOON_SECONDS)
