"""Somebody listens to everything that happens to a tenant's workflows: over gRPC, and on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from own_redis import OwnRedis
from small_mesh import SmallMesh, small_mesh
from waiting import until

from archwright import Client
from archwright.engine.v1.events_pb2 import EventsMissed
from archwright.errors import DependencyUnavailable, RequestInvalid
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.local.temporary import temporary_folder

SOURCE = "name: greeting\nsteps: [{name: greet, agent: worker, input: {}}]"
WHOLE = frozenset({"workflow_created", "workflow_completed"})
OTHER = SOURCE.replace("greeting", "farewell")


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[OwnRedis]:
    with temporary_folder() as folder:
        found = OwnRedis(folder)
        await found.start()
        yield found
        await found.kill()


@pytest.fixture(scope="module")
async def mesh(database: Any, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    folder = tmp_path_factory.mktemp("mesh")
    async with small_mesh(folder, database.owner_dsn, dsn_of, replicas=2, ARCHWRIGHT_REDIS_URL=redis.url) as found:
        await found.add_agent("worker")
        yield found


@asynccontextmanager
async def listening(client: Client, **wanted: Any) -> AsyncIterator[list[WorkflowEvent | EventsMissed]]:
    """Listen while the block lasts."""
    told: list[WorkflowEvent | EventsMissed] = []

    async def listen() -> None:
        nonlocal told
        async for each in client.events.tail(**wanted):
            told += (each,)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(listen())
        try:
            yield told
        finally:
            task.cancel()


async def run_until_heard(
    client: Client, told: list[Any], name: str = "greeting", whole: frozenset[str] = WHOLE
) -> str:
    """Run workflows until one of them was heard of as a whole: who has just begun to listen may miss the first."""
    while True:
        workflow_id = (await client.start(name, {})).workflow_id
        await client.wait(workflow_id)
        with suppress(TimeoutError):
            await until(partial(is_heard, told, workflow_id, whole), seconds_max=2)
            return workflow_id


def is_heard(told: list[Any], workflow_id: str, whole: frozenset[str]) -> bool:
    """Return whether all of these events of a workflow were told."""
    mine = [each for each in told if isinstance(each, WorkflowEvent) and each.workflow_id == workflow_id]
    return {each.event_type for each in mine} >= whole


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        for source in (SOURCE, OTHER):
            await found.definitions.publish(source)
        yield found


async def test_a_workflow_is_heard_of_from_beginning_to_end_without_its_content(client: Client) -> None:
    async with asyncio.timeout(60), listening(client) as told:
        workflow_id = await run_until_heard(client, told)
    mine = [each for each in told if isinstance(each, WorkflowEvent) and each.workflow_id == workflow_id]
    history = [event async for event in client.history(workflow_id)]

    assert sorted(event.seq for event in mine) == [event.seq for event in history]
    assert {event.definition_name for event in mine} == {"greeting"}
    [done] = [event for event in mine if event.event_type == "task_completed"]
    assert "output" not in done.payload
    assert done.payload["agent_id"] == "worker-1"


async def test_only_what_was_asked_for_is_told(mesh: SmallMesh, client: Client) -> None:
    stranger = mesh.client(tenant="other")
    async with (
        asyncio.timeout(60),
        stranger,
        listening(client, types=["workflow_completed"], definition="farewell") as ends,
        listening(stranger) as foreign,
        listening(client) as everything,
    ):
        await run_until_heard(client, everything)
        await run_until_heard(client, ends, "farewell", frozenset({"workflow_completed"}))
    assert {(each.event_type, each.definition_name) for each in ends if isinstance(each, WorkflowEvent)} == {
        ("workflow_completed", "farewell")
    }
    assert foreign == []


async def test_who_listens_is_told_that_something_was_missed_and_goes_on(redis: OwnRedis, client: Client) -> None:
    async with asyncio.timeout(90), listening(client) as told:
        await run_until_heard(client, told)
        await redis.kill()
        await until(lambda: any(isinstance(each, EventsMissed) for each in told))
        await redis.start()
        await run_until_heard(client, told)


async def test_a_type_that_does_not_exist_is_refused_by_name(client: Client) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(RequestInvalid, match="no event type 'task_faild' on the bus; did you mean 'task_failed'"):
            await anext(client.events.tail(types=["task_faild"]))


async def test_a_mesh_without_a_bus_says_so(database: Any, tmp_path: Any) -> None:
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    async with small_mesh(tmp_path, database.owner_dsn, dsn_of) as found, found.client() as client:
        with pytest.raises(DependencyUnavailable, match="no event bus"):
            await anext(client.events.tail())


async def test_the_command_line_prints_events_as_they_happen(mesh: SmallMesh, client: Client) -> None:
    token = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer"], ttl_seconds=600)[0]
    reach = ("--gateway", f"http://{mesh.address}", "--token", token)
    told: list[str] = []

    async def read(*options: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "archwright.cli.main", "events", "tail", *options, *reach),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        told.extend([line.decode() async for line in process.stdout])
        return await process.wait()

    for options in ((), ("--json",)):
        told.clear()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            reading = group.create_task(read("--type", "workflow_completed", "--count", "2", *options))
            while not reading.done():
                await client.wait((await client.start("greeting", {})).workflow_id)
        assert reading.result() == 0
        assert len(told) == 2
    assert json.loads(told[0])["event_type"] == "workflow_completed"
