"""Agents of the real SDK within the test: it writes what they do, and reads what they were given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from small_mesh import SmallMesh

from archwright import Agent, Client, Task
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.payloads import Json, from_struct
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas
from archwright.sdk.transport import GrpcEngine
from archwright.sdk.worker import Worker

READY_SECONDS_MAX = 20.0
END_SECONDS_MAX = 60.0
Play = Callable[[Task], Awaitable[Json]]


async def echo(task: Task) -> Json:
    """Return what was given."""
    return {"step": task.step, "given": task.input}


@dataclass
class Player:
    """One agent, and the tasks that it was given, in order."""

    agent_id: str
    stopping: asyncio.Event
    given: list[Task] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    """Paths of the steps whose tasks were taken from it."""
    under_way: int = 0
    under_way_most: int = 0

    @property
    def steps(self) -> list[str]:
        return [task.step for task in self.given]

    def stop(self) -> None:
        """Let it finish what it has, and leave."""
        self.stopping.set()


class Players:
    """Who plays on one mesh."""

    def __init__(self, mesh: SmallMesh, group: asyncio.TaskGroup) -> None:
        self.mesh = mesh
        self.all: list[Player] = []
        self._group = group
        self._numbers = count(1)

    async def add(
        self,
        agent_type: str,
        play: Play = echo,
        *,
        slots: int = 20,
        capabilities: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        address: str = "",
    ) -> Player:
        """Bring an agent, which is welcomed by the engine when this returns."""
        agent_id = f"{agent_type.replace('_', '-')}-{next(self._numbers)}"
        agent = Agent(agent_type, capabilities=capabilities, labels=labels, max_concurrent_tasks=slots)
        player = Player(agent_id, asyncio.Event())

        @agent.task()
        async def work(task: Task) -> Json:
            player.given.append(task)
            player.under_way += 1
            player.under_way_most = max(player.under_way_most, player.under_way)
            try:
                return await play(task)
            except asyncio.CancelledError:
                player.cancelled.append(task.step)
                raise
            finally:
                player.under_way -= 1

        self.all.append(player)
        ready = asyncio.Event()
        self._group.create_task(self._serve(agent, player, ready, address or self.mesh.address))
        async with asyncio.timeout(READY_SECONDS_MAX):
            await ready.wait()
        return player

    def stop(self) -> None:
        """Let all leave."""
        for player in self.all:
            player.stop()

    async def _serve(self, agent: Agent, player: Player, ready: asyncio.Event, address: str) -> None:
        enrolment, _ = self.mesh.signer.sign(subject="e", tenant="platform", roles=["enrolment"], ttl_seconds=3600)
        registry = Replicas(f"http://{self.mesh.registry.address}", token=enrolment)
        registration = Registration(agent, player.agent_id, registry)
        engine = Replicas(f"http://{address}", token=lambda: registration.token)
        try:
            await registration.obtain(player.stopping)
            worker = Worker(
                agent, player.agent_id, engine=GrpcEngine(engine), registration=registration, on_ready=ready.set
            )
            await worker.work(player.stopping, 0.0)
        finally:
            await engine.aclose()
            await registry.aclose()


@asynccontextmanager
async def players(mesh: SmallMesh) -> AsyncIterator[Players]:
    """Agents that leave at the end."""
    async with asyncio.TaskGroup() as group:
        found = Players(mesh, group)
        try:
            yield found
        finally:
            found.stop()


@dataclass(frozen=True)
class Ended:
    """A workflow that came to its end."""

    workflow: pb.Workflow

    @property
    def status(self) -> str:
        return pb.Workflow.Status.Name(self.workflow.status)

    @property
    def why(self) -> str:
        """Say why it failed."""
        return self.workflow.error_details

    @property
    def output(self) -> Json:
        return from_struct(self.workflow.output)


async def run(
    client: Client, source: str, given: Mapping[str, Json] | None = None, *, ends: str = "COMPLETED"
) -> Ended:
    """Publish a definition, start it, and see it end as it should."""
    definition = await client.definitions.publish(source)
    found = await ended(client, (await client.start(definition.name, given or {})).workflow_id)
    assert found.status == ends, found.why
    return found


async def ended(client: Client, workflow_id: str) -> Ended:
    """See a workflow end."""
    async with asyncio.timeout(END_SECONDS_MAX):
        return Ended(await client.wait(workflow_id))
