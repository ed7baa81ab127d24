"""What two engines and a registry tell of themselves, after they have done real work."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from scraping import Figures, scrape, scrape_until
from small_mesh import SmallMesh

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from services.chassis.metrics_catalogue import CATALOGUE, Kind

QUICK = {
    "ARCHWRIGHT_LEASE_SECONDS": "3",
    "ARCHWRIGHT_BREAKER_FAILURE_THRESHOLD": "3",
    "ARCHWRIGHT_BREAKER_MIN_THROUGHPUT": "4",
}
RETRY = "retry_policy: {max_attempts: 4, base_delay_seconds: 0.05, max_delay_seconds: 0.1}"
SCRIPTED = f"name: scripted\nsteps: [{{name: a, agent: worker, input: '${{script}}', {RETRY}}}]"
STRICT = "name: strict\nsteps: [{name: a, agent: worker, output_schema: {required: [never]}}]"
LONELY = "name: lonely\nsteps: [{name: a, agent: hermit, priority: high}]"
SKILLED = "name: skilled\nsteps: [{name: a, capability: juggling}]"
FAILING = f"name: failing\nsteps: [{{name: a, agent: breaker, input: {{transient_failures: 9}}, {RETRY}}}]"


def engines_of(mesh: SmallMesh) -> Any:
    return partial(scrape, *(engine.metrics for engine in mesh.engines))


async def ended(client: Client, name: str, given: object, status: int) -> None:
    """Run a workflow to its end, and see that it is this one."""
    workflow = await client.start(name, given)
    assert (await client.wait(workflow.workflow_id)).status == status


def tasks(figures: Figures, **labels: str) -> float:
    return figures.sum("agent_task_duration_seconds_count", **labels)


async def test_what_was_done_is_counted_once_however_many_engines_there_are(meshes: Any) -> None:
    async with meshes(replicas=2, **QUICK) as mesh, mesh.client() as client:
        for source in (SCRIPTED, LONELY):
            await client.definitions.publish(source)
        await mesh.add_agent("worker")
        await mesh.add_agent("worker", name="worker-2")

        for _ in range(3):
            await ended(client, "scripted", {"script": {"seconds": 0.3}}, Workflow.COMPLETED)
        await ended(client, "scripted", {"script": {"transient_failures": 2}}, Workflow.COMPLETED)
        await ended(client, "scripted", {"script": {"refuse": True}}, Workflow.FAILED)
        called_off = await client.start("lonely", {})
        await client.cancel(called_off.workflow_id)

        # Who hears of an end from another engine may hear it before the one that committed it.
        told = await scrape_until(
            lambda figures: figures.sum("workflow_executions_total") == 6 and tasks(figures) == 7, engines_of(mesh)
        )
        assert told.sum("workflow_executions_total", status="completed") == 4
        assert told.sum("workflow_executions_total", status="failed") == 1
        assert told.sum("workflow_executions_total", status="cancelled") == 1
        assert told.sum("workflow_failures_total") == told.sum("workflow_failures_total", category="business") == 1
        assert told.sum("workflow_duration_seconds_count", status="completed") == 4
        assert 0.9 < told.sum("workflow_duration_seconds_sum", status="completed") < 60

        assert tasks(told) == tasks(told, agent_type="worker") == 7
        assert (tasks(told, outcome="completed"), tasks(told, outcome="failed")) == (4, 3)
        assert 0.9 < told.sum("agent_task_duration_seconds_sum", outcome="completed") < 60
        assert told.sum("agent_task_duration_seconds_bucket", outcome="completed", le="0.25") <= 1
        assert told.sum("agent_failures_total", agent_type="worker", category="transient") == 2
        assert told.sum("agent_failures_total", agent_type="worker", category="business") == 1
        assert told.sum("archwright_lease_expiries_total") == 0
        assert told.sum("archwright_stream_sessions", agent_type="worker") == 2
        commits = told.sum("archwright_commit_batch_size_count")
        assert commits >= 8
        assert told.sum("archwright_commit_batch_size_sum") >= commits
        assert told.sum("archwright_invariant_violations_total") == 0


async def test_what_waits_and_what_is_under_way_every_engine_tells_alike(meshes: Any) -> None:
    async with meshes(replicas=2, **QUICK) as mesh, mesh.client() as client:
        for source in (LONELY, SKILLED):
            await client.definitions.publish(source)
        await mesh.add_agent("worker")
        started = [await client.start("lonely", {}) for _ in range(3)]
        await client.start("skilled", {})
        await client.pause(started[0].workflow_id)

        for engine in mesh.engines:
            told = await scrape_until(
                lambda figures: figures.max("active_workflows_gauge", status="paused") == 1,
                partial(scrape, engine.metrics),
            )
            assert told.max("queue_depth_gauge", agent_type="hermit", priority="high") == 2
            assert told.max("queue_depth_gauge", agent_type="(any)", priority="normal") == 1
            assert told.max("active_workflows_gauge", status="running") == 3
            assert told.max("active_workflows_gauge", status="pending") == 0
            assert told.max("archwright_outbox_lag_seconds") < 20
            # Of a type that has agents it is said that nothing waits.
            told = await scrape_until(
                lambda figures: figures.sum("queue_depth_gauge", agent_type="worker") == 0,
                partial(scrape, engine.metrics),
            )
            assert len([each for each in told.samples if each.labels.get("agent_type") == "worker"]) >= 4


async def test_lost_agents_repairs_and_open_breakers_are_told(meshes: Any) -> None:
    async with meshes(**QUICK) as mesh, mesh.client() as client:
        for source in (SCRIPTED, STRICT, FAILING):
            await client.definitions.publish(source)
        scraping = engines_of(mesh)
        await mesh.add_agent("worker")
        await ended(client, "strict", {}, Workflow.FAILED)
        told = await scrape_until(lambda figures: tasks(figures) == 3, scraping)
        assert (tasks(told, outcome="sent_back"), tasks(told, outcome="failed")) == (2, 1)
        assert told.sum("workflow_failures_total", category="permanent") == 1

        lost = await client.start("scripted", {"script": {"crash": True}})
        told = await scrape_until(lambda figures: figures.sum("archwright_lease_expiries_total") == 1, scraping)
        assert told.sum("agent_failures_total", agent_type="worker", category="transient") == 1
        await client.cancel(lost.workflow_id)

        await mesh.add_agent("breaker")
        await ended(client, "failing", {}, Workflow.FAILED)
        told = await scrape_until(
            lambda figures: figures.max("archwright_breakers", agent_type="breaker", state="open") == 1, scraping
        )
        assert told.max("archwright_breakers", agent_type="breaker", state="half_open") == 0
        assert told.sum("agent_failures_total", agent_type="breaker", category="transient") == 4


async def test_the_registry_tells_how_its_agents_stand(mesh: SmallMesh) -> None:
    await mesh.add_agent("worker")
    second = await mesh.add_agent("worker", name="second")
    platform = mesh.registry_client()
    async with platform:
        await platform.agents.drain("second")
        told = await scrape_until(
            lambda figures: figures.max("archwright_agents", agent_type="worker", status="draining") == 1,
            partial(scrape, mesh.registry.metrics),
        )
        assert told.max("archwright_agents", agent_type="worker", status="online") == 1
        assert told.max("archwright_agents", agent_type="worker", status="offline") == 0
        await second.stop()
        await scrape_until(
            lambda figures: figures.sum("archwright_agents", agent_type="worker") == 1,
            partial(scrape, mesh.registry.metrics),
        )


async def test_each_service_tells_what_the_catalogue_says_of_it(mesh: SmallMesh) -> None:
    async with asyncio.timeout(30), mesh.client() as client:
        await client.definitions.publish(SCRIPTED)
        await mesh.add_agent("worker")
        await ended(client, "scripted", {"script": {"transient_failures": 1}}, Workflow.COMPLETED)
        for service, address in (("engine", mesh.engine.metrics), ("registry", mesh.registry.metrics)):
            told = await scrape(address)
            meant = {
                metric.name + ("_bucket" if metric.kind is Kind.HISTOGRAM else "")
                for metric in CATALOGUE
                if metric.service == service
            }
            found = {name for name in told.names if not name.startswith("process_")}
            # What never happened is not told of; what is told of is in the catalogue, all of it.
            assert found >= meant - {"archwright_lease_expiries_total", "archwright_breakers"}
            assert {name.removesuffix("_sum").removesuffix("_count") for name in found - meant} <= {
                metric.name for metric in CATALOGUE if metric.kind is Kind.HISTOGRAM
            }
