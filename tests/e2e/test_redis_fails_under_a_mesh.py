"""Redis is emptied, killed and frozen under workflows that run and are watched: only the bus is late, and not for long.

What Redis forgets it was told before, so that counts as told.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from checker import Outside, violations
from checker.bus import copies, emptied, published
from checker.facts import Effect, Published
from checker.outages import faults
from own_redis import OwnRedis
from small_mesh import SmallMesh, small_mesh
from waiting import until

from archwright import Client, stubs
from archwright.channel import open_channel
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.local.temporary import temporary_folder
from services.chassis.clock import SystemClock
from services.engine.ports.keys import Key

STEPS, BEFORE, MEANWHILE = 6, 12, 4
CHAIN = "\n".join(
    ["name: watched", "steps:", *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.2}}}}" for n in range(STEPS))]
)
END_SECONDS_MAX = 150.0
CALM_SECONDS_MAX, LOOK_SECONDS = 30.0, 0.5


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[OwnRedis]:
    with temporary_folder() as folder:
        redis = OwnRedis(folder)
        await redis.start()
        yield redis
        await redis.kill()


@pytest.fixture(scope="module")
async def mesh(database: Any, redis: OwnRedis, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """Two replicas that publish to that Redis and keep hot copies there."""
    folder = tmp_path_factory.mktemp("mesh")
    (folder / "hot.key").write_bytes(os.urandom(32))
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    settings = {"ARCHWRIGHT_REDIS_URL": redis.url, "ARCHWRIGHT_HOT_COPY_KEY_FILE": str(folder / "hot.key")}
    async with small_mesh(folder, database.owner_dsn, dsn_of, replicas=2, **settings) as found:
        for name in ("a", "b"):
            await found.add_agent("worker", name=f"worker-{name}", SLOTS="50")
        yield found


class Watchers:
    """Browsers that follow workflows by server-sent events, each at one replica, from the first event to the last."""

    def __init__(self, mesh: SmallMesh, channels: Sequence[grpc.aio.Channel], group: asyncio.TaskGroup) -> None:
        token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer"], ttl_seconds=600)
        self._allowed = (("authorization", f"Bearer {token}"),)
        self._channels = channels
        self._group = group
        self._watching: list[asyncio.Task[None]] = []
        self.told: dict[str, list[tuple[str, int]]] = {}

    def watch(self, workflow_id: str) -> None:
        """Follow a workflow at every replica."""
        for number, channel in enumerate(self._channels, start=1):
            self._watching.append(self._group.create_task(self._follow(channel, workflow_id, f"watcher {number}")))

    async def all_ended(self) -> None:
        async with asyncio.timeout(END_SECONDS_MAX):
            await asyncio.gather(*self._watching)

    async def _follow(self, channel: grpc.aio.Channel, workflow_id: str, name: str) -> None:
        told = self.told.setdefault(f"{name} of {workflow_id}", [])
        request, stream = pb.WatchWorkflowSseRequest(workflow_id=workflow_id), b""
        async for body in stubs.workflows(channel).WatchWorkflowSse(request, metadata=self._allowed):
            stream += body.data
        *blocks, last = stream.decode().strip().split("\n\n")
        assert "event: ended" in last
        told += [(workflow_id, int(block.split("\n")[0][4:])) for block in blocks if block.startswith("id: ")]


@asynccontextmanager
async def watchers(mesh: SmallMesh) -> AsyncIterator[Watchers]:
    """Let somebody watch at each replica."""
    async with AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(open_channel(f"http://{each.address}")) for each in mesh.engines]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        yield Watchers(mesh, channels, group)


@pytest.mark.parametrize("fault", ["emptied", "killed", "frozen"])
async def test_workflows_and_watchers_notice_nothing_and_the_bus_is_complete_soon(
    mesh: SmallMesh, redis: OwnRedis, database: Any, fault: str
) -> None:
    forgotten: list[Published] = []
    done_before, complaints_before = len(mesh.ledger), complaints(mesh)
    async with mesh.client() as client, watchers(mesh) as watching:
        await client.definitions.publish(CHAIN)
        workflow_ids = await start(client, watching, BEFORE)
        await until(lambda: len(mesh.ledger) - done_before >= BEFORE * STEPS // 3)
        with faults() as struck:
            match fault:
                case "emptied":
                    forgotten = await emptied(redis.url)
                case "killed":
                    await redis.kill()
                case "frozen":
                    redis.send(signal.SIGSTOP)
            meanwhile = await start(client, watching, MEANWHILE)
            await finish(client, workflow_ids + meanwhile)
            if fault != "emptied":
                await until(lambda: complaints(mesh) > complaints_before)
            match fault:
                case "killed":
                    await redis.start()
                case "frozen":
                    redis.send(signal.SIGCONT)
        workflow_ids += meanwhile + (afterwards := await start(client, watching, MEANWHILE))
        await finish(client, afterwards)
        await watching.all_ended()
        ends = {each: [event.seq async for event in client.history(each)][-1] for each in workflow_ids}

    assert {told[-1] for told in watching.told.values()} == set(ends.items())
    found = [""]
    clock = SystemClock()
    deadline = clock.monotonic() + CALM_SECONDS_MAX
    while found and clock.monotonic() < deadline:
        await clock.sleep(LOOK_SECONDS)
        seen = Outside(
            acknowledged=[Key("acme", each) for each in workflow_ids],
            published=forgotten + await published(redis.url),
            copies=await copies(redis.url),
            seen=watching.told,
            effects=[Effect(effect["task_id"], int(effect["attempt"])) for effect in mesh.ledger],
            outage=struck.outage,
            must_be_over=True,
        )
        found = await violations(database.owner_dsn, seen, among=workflow_ids)
    assert found == []


def complaints(mesh: SmallMesh) -> int:
    """Return how often the engines have missed the bus."""
    logs = ((mesh.folder / f"{engine.name}.log").read_text() for engine in mesh.engines)
    return sum(log.count("bus_unavailable") for log in logs)


async def start(client: Client, watching: Watchers, count: int) -> list[str]:
    """Start workflows that are watched from the first moment."""
    workflow_ids = [(await client.start("watched", {})).workflow_id for _ in range(count)]
    for workflow_id in workflow_ids:
        watching.watch(workflow_id)
    return workflow_ids


async def finish(client: Client, workflow_ids: Sequence[str]) -> None:
    async with asyncio.timeout(END_SECONDS_MAX):
        ended = await asyncio.gather(*(client.wait(workflow_id) for workflow_id in workflow_ids))
    assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}
