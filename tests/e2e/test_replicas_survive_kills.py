"""Several engine replicas share one database: whichever is killed, the others finish its work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from checker import Outside, violations
from checker.bus import copies, published
from checker.facts import Effect
from checker.outages import Struck, faults
from small_mesh import SmallMesh
from waiting import until

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from services.chassis.clock import SystemClock
from services.engine.ports.keys import Key

STEPS, WORKFLOWS = 5, 50
CHAIN = "\n".join(
    ["name: shared", "steps:", *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.02}}}}" for n in range(STEPS))]
)
ALIKE = """
name: alike
steps:
  - {name: a, agent: worker, input: {echo: "${told}"}, cache: {key: the same for everybody, ttl_seconds: 600}}
  - {name: b, agent: worker, input: {echo: "${steps.a.output.echo}"}}
  - {name: c, agent: worker, input: {echo: "${steps.b.output.echo}"}}
"""
SHORT_LEASES = {"ARCHWRIGHT_LEASE_SECONDS": "3", "ARCHWRIGHT_RENEW_SECONDS": "0.6"}
DRAIN_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.5


async def start_all(client: Client) -> list[str]:
    await client.definitions.publish(CHAIN)
    return [(await client.start("shared", {})).workflow_id for _ in range(WORKFLOWS)]


async def in_the_midst(mesh: SmallMesh) -> None:
    """Wait until a good part of the work is done, and a good part is not."""
    await until(lambda: len(mesh.ledger) >= WORKFLOWS * STEPS // 4)
    assert len(mesh.ledger) < WORKFLOWS * STEPS


async def finish(client: Client, workflow_ids: Sequence[str]) -> None:
    async with asyncio.timeout(90):
        ended = await asyncio.gather(*(client.wait(workflow_id) for workflow_id in workflow_ids))
    assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}
    assert all(len(workflow.steps_completed) == STEPS for workflow in ended)


async def assert_sound(
    mesh: SmallMesh,
    database: Any,
    redis_url: str,
    started: Sequence[Key],
    struck: Struck,
    secrets: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """See that no invariant is violated, once the outbox had its time to drain."""
    found = [""]
    clock, waited = SystemClock(), 0.0
    while found and waited < DRAIN_SECONDS_MAX:
        seen = Outside(
            acknowledged=started,
            published=await published(redis_url),
            copies=await copies(redis_url),
            secrets=secrets,
            outage=struck.outage,
            effects=[Effect(effect["task_id"], int(effect["attempt"])) for effect in mesh.ledger],
            must_be_over=True,
        )
        found = await violations(database.owner_dsn, seen, among=[key.workflow_id for key in started])
        await clock.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    assert found == []


@pytest.mark.parametrize("victims", ["one", "the other", "both"])
async def test_fifty_workflows_survive_a_kill_of_their_replicas(
    meshes: Any, database: Any, valkey: str, victims: str
) -> None:
    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=valkey, **SHORT_LEASES) as mesh:
        for name in ("a", "b"):
            await mesh.add_agent("worker", name=f"worker-{name}")
        async with mesh.client() as client:
            workflow_ids = await start_all(client)
            await in_the_midst(mesh)
            one, other = mesh.engines
            with faults() as struck:
                for engine in {"one": [one], "the other": [other], "both": [one, other]}[victims]:
                    engine.kill()
                if victims == "both":
                    for engine in mesh.engines:
                        await mesh.restart_engine(engine)
            await finish(client, workflow_ids)
        await assert_sound(mesh, database, valkey, [Key("acme", each) for each in workflow_ids], struck)


async def test_fifty_workflows_survive_a_kill_of_an_agent_that_worked_for_two_replicas(
    meshes: Any, database: Any, valkey: str
) -> None:
    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=valkey, **SHORT_LEASES) as mesh:
        for name in ("a", "b"):
            await mesh.add_agent("worker", name=f"worker-{name}")
        async with mesh.client() as client:
            workflow_ids = await start_all(client)
            await in_the_midst(mesh)
            with faults() as struck:
                mesh.agents["worker-a"].kill()
            await finish(client, workflow_ids)
        await assert_sound(mesh, database, valkey, [Key("acme", each) for each in workflow_ids], struck)


async def test_tenants_whose_replicas_are_killed_see_nothing_of_one_another(
    meshes: Any, database: Any, valkey: str
) -> None:
    secrets = {"acme": "only acme was told", "globex": "only globex was told"}
    async with meshes(replicas=2, ARCHWRIGHT_REDIS_URL=valkey, **SHORT_LEASES) as mesh:
        await mesh.add_agent("worker")
        async with mesh.client(tenant="acme") as acme, mesh.client(tenant="globex") as globex:
            clients = {"acme": acme, "globex": globex}
            started: list[Key] = []
            for client in clients.values():
                await client.definitions.publish(ALIKE)
            for number in range(10):
                for tenant, client in clients.items():
                    # Everything but the input is the same: the requests' ids, and the keys of the cache.
                    asked = await client.start("alike", {"told": secrets[tenant]}, request_id=f"alike-{number}")
                    started.append(Key(tenant, asked.workflow_id))
            await until(lambda: len(mesh.ledger) >= 10)
            with faults() as struck:
                mesh.engine.kill()
            async with asyncio.timeout(90):
                ended = [await clients[key.tenant].wait(key.workflow_id) for key in started]
            assert {pb.Workflow.Status.Name(workflow.status) for workflow in ended} == {"COMPLETED"}
            for client, stranger in ((acme, globex), (globex, acme)):
                seen = {workflow.workflow_id async for workflow in client.list()}
                assert not seen & {workflow.workflow_id async for workflow in stranger.list()}
        await assert_sound(mesh, database, valkey, started, struck, secrets)
