"""Workflows start at one replica, their agents are at the other, and whoever steers them may ask either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from checker import violations
from players import Player, Players, echo, ended, players
from small_mesh import SmallMesh, small_mesh
from waiting import until

from archwright import Client, Task
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.payloads import Json
from services.chassis.clock import SystemClock

STEPS = 8
HOP_SECONDS_MAX = 0.5
"""How long a step may take to get from the replica that made it to an agent of the other: a look, and some patience."""
CANCEL_SECONDS_MAX = 2.5
"""How long the agent of another replica may work on what was cancelled: a renewal, and some patience."""

SOURCES = [
    "name: to_and_fro\nsteps:\n"
    + "\n".join(f"  - {{name: s{n}, agent: {('here', 'there')[n % 2]}, input: {{}}}}" for n in range(STEPS)),
    "name: two_long_steps\nsteps: [{name: first, agent: slow, input: {}}, {name: second, agent: slow, input: {}}]",
    """
name: two_words
steps:
  - {name: word, wait: {signal: go}}
  - {name: consent, approval: {approvers: ['role:operator']}}
  - {name: stop, fail: {message: not yet}, when: steps.word.output.fails}
output: {said: '${steps.word.output.said}', by: '${steps.consent.output.decided_by}'}
""",
]


class Hands:
    """What slow agents wait for before they answer."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def work(self, task: Task) -> Json:
        await self.may_end.wait()
        return {"step": task.step}


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """Two replicas, whose database is held to the invariants at the end."""
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    async with small_mesh(tmp_path_factory.mktemp("mesh"), database.owner_dsn, dsn_of, replicas=2) as found:
        yield found
    assert await violations(database.owner_dsn) == []


@pytest.fixture(scope="module")
async def cast(mesh: SmallMesh) -> AsyncIterator[Players]:
    async with players(mesh) as found:
        for agent_type, engine in zip(("here", "there"), mesh.engines, strict=True):
            await found.add(agent_type, echo, address=engine.address)
        yield found


@pytest.fixture(scope="module")
async def here(mesh: SmallMesh) -> AsyncIterator[Client]:
    """A caller of the replica to which the slow agents of each test are connected."""
    async with client_of(mesh, 0) as found:
        for source in SOURCES:
            await found.definitions.publish(source)
        yield found


@pytest.fixture(scope="module")
async def there(mesh: SmallMesh, here: Client) -> AsyncIterator[Client]:
    """A caller of the other replica."""
    async with client_of(mesh, 1) as found:
        yield found


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def slow(mesh: SmallMesh, cast: Players, hands: Hands) -> AsyncIterator[Player]:
    """An agent at the first replica that answers when it is let."""
    player = await cast.add("slow", hands.work, address=mesh.engine.address)
    yield player
    hands.may_end.set()
    player.stop()


def client_of(mesh: SmallMesh, number: int) -> Client:
    token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer", "operator", "admin"], ttl_seconds=600)
    return Client(f"http://{mesh.engines[number].address}", token)


async def test_a_pause_at_the_other_replica_lets_the_task_end_and_begins_no_other(
    here: Client, there: Client, slow: Player, hands: Hands
) -> None:
    workflow = await there.start("two_long_steps", {})
    await until(lambda: slow.steps == ["first"])

    await there.pause(workflow.workflow_id)
    hands.may_end.set()
    await told(there, workflow.workflow_id, "task_completed")
    assert (await here.get(workflow.workflow_id)).status == pb.Workflow.PAUSED
    assert slow.steps == ["first"]

    await there.resume(workflow.workflow_id)
    assert (await ended(here, workflow.workflow_id)).status == "COMPLETED"
    assert slow.steps == ["first", "second"]


async def test_a_cancellation_at_the_other_replica_reaches_the_agent_soon(
    here: Client, there: Client, slow: Player
) -> None:
    clock = SystemClock()
    for asked_at in (there, here):
        slow.given.clear()
        slow.cancelled.clear()
        workflow = await there.start("two_long_steps", {})
        await until(lambda: slow.steps == ["first"])

        began_at = clock.monotonic()
        await asked_at.cancel(workflow.workflow_id)
        await until(lambda: slow.cancelled == ["first"])

        assert clock.monotonic() - began_at < CANCEL_SECONDS_MAX
        for client in (here, there):
            assert (await client.get(workflow.workflow_id)).status == pb.Workflow.CANCELLED


async def test_words_of_people_may_come_to_either_replica(here: Client, there: Client) -> None:
    workflow = await here.start("two_words", {})

    await there.signal(workflow.workflow_id, "go", {"said": "now", "fails": False})
    [asked] = [each async for each in here.approvals.list(workflow.workflow_id)]
    await here.approvals.approve(await here.approvals.get(asked.approval_id))

    found = await ended(there, workflow.workflow_id)
    assert (found.status, found.output) == ("COMPLETED", {"said": "now", "by": ["ann"]})


async def test_what_has_failed_at_one_replica_is_retried_and_done_anew_at_the_other(
    here: Client, there: Client
) -> None:
    workflow = await here.start("two_words", {})
    await here.signal(workflow.workflow_id, "go", {"said": "never", "fails": True})
    [asked] = [each async for each in there.approvals.list(workflow.workflow_id)]
    await there.approvals.approve(await there.approvals.get(asked.approval_id))
    assert (await ended(there, workflow.workflow_id)).status == "FAILED"

    await there.retry(workflow.workflow_id)
    assert (await ended(here, workflow.workflow_id)).status == "FAILED"
    again = await there.rerun(workflow.workflow_id, "word")
    await here.signal(again.workflow_id, "go", {"said": "again", "fails": False})
    [asked] = [each async for each in there.approvals.list(again.workflow_id)]
    await here.approvals.approve(await here.approvals.get(asked.approval_id))

    assert (await ended(there, again.workflow_id)).output == {"said": "again", "by": ["ann"]}


async def test_a_workflow_whose_every_step_is_at_the_other_replica_than_the_last_is_prompt(
    here: Client, there: Client, cast: Players
) -> None:
    workflow = await there.start("to_and_fro", {})
    assert (await ended(here, workflow.workflow_id)).status == "COMPLETED"

    times = [event.timestamp.ToDatetime() async for event in there.history(workflow.workflow_id)]
    assert (times[-1] - times[0]).total_seconds() < STEPS * HOP_SECONDS_MAX


async def told(client: Client, workflow_id: str, event_type: str) -> None:
    """Return once a watcher was told of such an event."""
    async with asyncio.timeout(10):
        async for update in client.watch(workflow_id):
            if isinstance(update, WorkflowEvent) and update.event_type == event_type:
                return
