"""Redis is hints: workflows go on without it, and it is told everything once it is back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from checker import Outside, violations
from checker.bus import copies, published
from checker.outages import faults
from redis.asyncio import Redis
from waiting import until

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.local.temporary import temporary_folder
from archwright.local.valkey import Valkey
from services.bus.port import PARTITIONS, stream_of

WORKFLOWS = 4
STEPS = 5
CHAIN = "\n".join(
    ["name: unheard", "steps:", *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.1}}}}" for n in range(STEPS))]
)
START_SECONDS_MAX = 30.0
HEAR_SECONDS_MAX = 30.0

Events = dict[str, list[tuple[int, str]]]
"""The number and the type of each event, in order, by workflow."""


async def test_workflows_go_on_without_redis_and_it_hears_of_everything_once_it_is_back(
    meshes: Any, database: Any
) -> None:
    with temporary_folder() as folder:
        valkey = Valkey(folder, folder / "socket")
        async with meshes(ARCHWRIGHT_REDIS_URL=valkey.url) as mesh, mesh.client() as client:
            await mesh.add_agent("worker")
            await client.definitions.publish(CHAIN)

            async with running(valkey) as process:
                workflow_ids = await start_some(client)
                await until(lambda: len(mesh.ledger) >= WORKFLOWS)
                assert await heard(valkey), "the bus was told nothing even before"
                with faults() as struck:
                    process.kill()
            workflow_ids += await start_some(client)
            await finish(client, workflow_ids)
            assert "bus_unavailable" in (mesh.folder / "engine.log").read_text()

            async with running(valkey):
                happened = {each: await history(client, each) for each in workflow_ids}
                await until_heard(valkey, happened)
                seen = Outside(
                    published=await published(valkey.url), copies=await copies(valkey.url), outage=struck.outage
                )
                assert await violations(database.owner_dsn, seen, among=workflow_ids) == []


@asynccontextmanager
async def running(valkey: Valkey) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Valkey that forgets nothing that it has answered, also when it is killed; it ends with us."""
    serving = valkey.serving()
    process = await asyncio.create_subprocess_exec(
        *(*serving.command, "--appendfsync", "always"),
        env=dict(serving.environment),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert serving.probe is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await serving.probe():
                assert process.returncode is None, "Valkey did not start"
                await asyncio.sleep(0.02)  # noqa: TID251  another process is starting
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def start_some(client: Client) -> list[str]:
    return [(await client.start("unheard", {})).workflow_id for _ in range(WORKFLOWS)]


async def finish(client: Client, workflow_ids: Sequence[str]) -> None:
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*(client.wait(workflow_id) for workflow_id in workflow_ids))
    assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}


async def history(client: Client, workflow_id: str) -> list[tuple[int, str]]:
    return [(event.seq, event.event_type) async for event in client.history(workflow_id)]


async def until_heard(valkey: Valkey, happened: Events) -> None:
    """Return once everything that happened is on the bus, and nothing else."""
    async with asyncio.timeout(HEAR_SECONDS_MAX):
        while await heard(valkey) != happened:  # noqa: ASYNC110  another process is catching up
            await asyncio.sleep(0.1)  # noqa: TID251  likewise


async def heard(valkey: Valkey) -> Events:
    """Return every event on the bus. One that was published twice counts once, as it does for subscribers."""
    found: dict[str, set[tuple[int, str]]] = {}
    async with Redis.from_url(valkey.url, protocol=3, legacy_responses=False) as redis:
        for partition in range(PARTITIONS):
            entries: Any = await redis.xrange(stream_of(partition))
            for _, entry in entries:
                for envelope in json.loads(entry[b"events"]):
                    told = envelope["data"]
                    found.setdefault(told["workflow_id"], set()).add((int(told["seq"]), told["event_type"]))
    return {workflow_id: sorted(events) for workflow_id, events in found.items()}
