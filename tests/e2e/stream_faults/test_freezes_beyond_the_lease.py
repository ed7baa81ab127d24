"""Agents that wake up after their lease and write all the same: their results arrive, and none of them counts."""

from __future__ import annotations

import random
from typing import Any

import asyncpg
import psutil
from checker import Outside, violations
from checker.facts import Effect
from small_mesh import Child, SmallMesh

from benchmarks import freezes
from benchmarks.freezes import Freezing, Frozen
from benchmarks.ledger import Happened, Ledger, Line, Way

FREEZES = 20
AGENTS = 8


async def add_stubborn_agent(mesh: SmallMesh, name: str) -> psutil.Process:
    enrolment, _ = mesh.signer.sign(subject="enrolment", tenant="platform", roles=["enrolment"], ttl_seconds=3600)
    told = {
        "ARCHWRIGHT_ENGINE_ADDRESS": f"http://{mesh.address}",
        "ARCHWRIGHT_REGISTRY_ADDRESS": f"http://{mesh.registry.address}",
        "ARCHWRIGHT_ENROLMENT_TOKEN": enrolment,
        "ARCHWRIGHT_AGENT_ID": name,
        "BENCHMARK_AGENT_TYPE": freezes.AGENT_TYPE,
        "BENCHMARK_SLOTS": "4",
        "BENCHMARK_LEDGER": str(mesh.folder / "words"),
        "LOG_FILE": str(mesh.folder / f"{name}.log"),
    }
    child = Child(name, ["-m", "benchmarks.stubborn_agent"], mesh.shared | told)
    await child.start()
    mesh.agents[name] = child
    assert child.process is not None
    return psutil.Process(child.process.pid)


async def frozen_often(mesh: SmallMesh, connection: asyncpg.Connection, ledger: Ledger) -> Frozen:
    names = [f"stubborn-{number}" for number in range(1, AGENTS + 1)]
    agents = {name: await add_stubborn_agent(mesh, name) for name in names}
    async with mesh.client() as client:
        return await Freezing(client, connection, agents, ledger, random.Random(4)).freeze(FREEZES)


def effects(lines: list[Line]) -> list[Effect]:
    """Return what the agents did: each made the result of a delivery once, however often it sent it."""
    made = {line.delivery for line in lines if line.happened is Happened.SENT}
    return [Effect(delivery.task_id, delivery.attempt) for delivery in made]


async def test_no_result_under_an_old_fence_counts(meshes: Any, database: Any) -> None:
    settings = {f"ARCHWRIGHT_{name}": value for name, value in freezes.SETTINGS.items()}
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        async with meshes(**settings) as mesh:
            ledger = Ledger(mesh.folder / "words")
            frozen = await frozen_often(mesh, connection, ledger)
    finally:
        await connection.close()

    verdict = frozen.verdict
    assert (verdict.accepted, verdict.misreported) == ([], [])
    lines = list(ledger.lines())
    assert await violations(database.owner_dsn, Outside(effects=effects(lines), must_be_over=True)) == []
    # It says something only because late results were sent, and got there, in every stage of the task's further life.
    assert frozen.freezes == FREEZES
    assert verdict.sent == verdict.answered_on_stream == verdict.answered_in_call >= FREEZES
    assert set(frozen.woken_when) == {"lost", "moved", "ended"}
    assert {line.way for line in lines if line.delivery in frozen.superseded and line.way} == set(Way)
