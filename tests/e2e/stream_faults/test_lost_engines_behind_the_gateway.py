"""Agents that came through the gateway find another engine when theirs dies or freezes, and keep what they hold."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from front_gateway import FrontGateway, gateway_before
from small_mesh import Child, SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

ENGINES, AGENTS = 3, 6
SOURCE = "name: one\nsteps: [{name: a, agent: worker, input: {seconds: '${seconds}'}}]"
DEATH_SECONDS_MAX, FREEZE_SECONDS_MAX = 5.0, 20.0


@dataclass(frozen=True)
class Welcome:
    """An agent came to an engine, and kept so many tasks."""

    engine: str
    agent_id: str
    kept: int


@dataclass(frozen=True)
class Crew:
    """Agents that came through a gateway, each with one task of its own."""

    mesh: SmallMesh
    gateway: FrontGateway

    def welcomes(self, engine: Child) -> list[Welcome]:
        """Return who came to an engine, as it wrote down itself."""
        lines = (self.mesh.folder / f"{engine.name}.log").read_text().splitlines()
        told = [json.loads(line) for line in lines if '"agent_connected"' in line]
        return [Welcome(engine.name, each["agent_id"], each["kept"]) for each in told]

    def welcomes_elsewhere(self, than: Child) -> list[Welcome]:
        return [each for engine in self.mesh.engines if engine is not than for each in self.welcomes(engine)]

    def busiest(self) -> Child:
        """Return the engine with the most agents."""
        return max(self.mesh.engines, key=lambda engine: len(self.welcomes(engine)))

    async def begin(self, client: Client, seconds: float) -> list[str]:
        """Give each agent a task that takes so long, and return the workflows."""
        begun = [(await client.start("one", {"seconds": seconds})).workflow_id for _ in range(AGENTS)]
        holders: dict[str, str] = {}
        deadline = time.monotonic() + 20
        while len(set(holders.values())) < AGENTS and time.monotonic() < deadline:
            for workflow_id in begun:
                [task] = await client.tasks(workflow_id)
                if task.agent_id:
                    holders[workflow_id] = task.agent_id
        assert len(set(holders.values())) == AGENTS
        return begun


@pytest.fixture
async def crew(meshes: Any, tmp_path: Path) -> AsyncIterator[Crew]:
    async with meshes(replicas=ENGINES) as mesh, gateway_before(mesh, tmp_path / "gateway") as gateway:
        async with gateway.client() as client:
            await client.definitions.publish(SOURCE)
        for number in range(AGENTS):
            await mesh.add_agent("worker", name=f"worker-{number}", SLOTS="1", **gateway.for_agents)
        yield Crew(mesh, gateway)


async def test_the_agents_of_an_engine_that_was_killed_are_elsewhere_in_five_seconds_and_keep_their_tasks(
    crew: Crew,
) -> None:
    killed = crew.busiest()
    moving = {welcome.agent_id for welcome in crew.welcomes(killed)}
    async with crew.gateway.client() as client:
        begun = await crew.begin(client, seconds=8)
        before = Counter(crew.welcomes_elsewhere(killed))

        killed.kill()

        def moved() -> Mapping[str, int]:
            return {each.agent_id: each.kept for each in Counter(crew.welcomes_elsewhere(killed)) - before}

        await until(lambda: set(moved()) >= moving, seconds_max=DEATH_SECONDS_MAX)
        assert {agent_id: moved()[agent_id] for agent_id in moving} == dict.fromkeys(moving, 1)
        await all_done_once(crew, client, begun)
    await crew.mesh.restart_engine(killed)


async def test_the_agents_of_an_engine_that_froze_are_elsewhere_in_twenty_seconds(crew: Crew) -> None:
    frozen = crew.busiest()
    moving = {welcome.agent_id for welcome in crew.welcomes(frozen)}
    before = Counter(crew.welcomes_elsewhere(frozen))
    assert frozen.process is not None

    frozen.process.send_signal(signal.SIGSTOP)
    try:
        await until(
            lambda: {each.agent_id for each in Counter(crew.welcomes_elsewhere(frozen)) - before} >= moving,
            seconds_max=FREEZE_SECONDS_MAX,
        )
        async with crew.gateway.client() as client:
            begun = await crew.begin(client, seconds=0.5)
            await all_done_once(crew, client, begun)
    finally:
        frozen.process.send_signal(signal.SIGCONT)


async def all_done_once(crew: Crew, client: Client, workflow_ids: list[str]) -> None:
    """See that workflows end well, each with one attempt and one effect."""
    for workflow_id in workflow_ids:
        assert (await client.wait(workflow_id)).status == Workflow.COMPLETED
    effects = [(each["workflow_id"], int(each["attempt"])) for each in crew.mesh.ledger]
    assert Counter(effects) == Counter((workflow_id, 1) for workflow_id in workflow_ids)
