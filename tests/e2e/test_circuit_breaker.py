"""The circuit breaker over real processes: two replicas, agents that fail until they are well again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from small_mesh import SmallMesh

from archwright import Client
from archwright.engine.v1.queues_pb2 import Breaker
from archwright.engine.v1.workflows_pb2 import ExplainWorkflowResponse, Workflow

QUICK = {
    "ARCHWRIGHT_BREAKER_FAILURE_THRESHOLD": "3",
    "ARCHWRIGHT_BREAKER_MIN_THROUGHPUT": "4",
    "ARCHWRIGHT_BREAKER_RECOVERY_TIMEOUT_SECONDS": "2",
}
FAILING = """
name: failing
steps:
  - name: a
    agent: worker
    input: {transient_failures: 9}
    retry_policy: {max_attempts: 4, base_delay_seconds: 0.05, max_delay_seconds: 0.1}
"""
FINE = "name: fine\nsteps: [{name: a, agent: worker}]"


async def once(ask: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool]) -> Any:
    """Ask until the answer is so, and return it."""
    async with asyncio.timeout(30):
        while not is_so(found := await ask()):
            pass
        return found


async def test_it_opens_for_all_replicas_tries_a_few_and_lets_the_backlog_through(meshes: Any) -> None:
    async with meshes(replicas=2, **QUICK) as mesh:
        await mesh.add_agent("worker")
        here, there = (Client(f"http://{engine.address}", token_of(mesh)) for engine in mesh.engines)
        async with here, there:
            for source in (FAILING, FINE):
                await here.definitions.publish(source)
            broken = await here.start("failing", {})
            assert (await here.wait(broken.workflow_id)).status == Workflow.FAILED

            for client in (here, there):
                opened = await once(lambda client=client: client.queues.breaker("worker"), is_open)
                assert opened.failures >= 3
            waiting = [await client.start("fine", {}) for client in (here, there) for _ in range(4)]
            told = await once(lambda: here.explain(waiting[0].workflow_id), says_breaker)
            assert "the breaker of 'worker' is open until" in told.steps[0].message
            [queue] = await there.queues.list()
            assert (queue.requirement, queue.waiting, queue.breaker_open) == ("worker", 8, True)

            for workflow in waiting:
                assert (await here.wait(workflow.workflow_id)).status == Workflow.COMPLETED
            assert all([(await here.tasks(each.workflow_id))[0].attempt == 1 for each in waiting]), "none was burnt"
            await once(lambda: there.queues.breaker("worker"), lambda breaker: breaker.state == Breaker.CLOSED)


async def test_a_person_who_knows_better_closes_it(meshes: Any) -> None:
    slow = QUICK | {"ARCHWRIGHT_BREAKER_RECOVERY_TIMEOUT_SECONDS": "600"}
    async with meshes(**slow) as mesh, mesh.client() as client:
        await mesh.add_agent("worker")
        for source in (FAILING, FINE):
            await client.definitions.publish(source)
        await client.wait((await client.start("failing", {})).workflow_id)
        await once(lambda: client.queues.breaker("worker"), is_open)
        waiting = await client.start("fine", {})

        assert (await client.queues.reset("worker")).state == Breaker.CLOSED

        assert (await client.wait(waiting.workflow_id)).status == Workflow.COMPLETED
        assert [each.state for each in await client.queues.breakers()] == [Breaker.CLOSED]


async def test_a_type_that_nothing_is_known_of_has_a_closed_breaker(mesh: SmallMesh) -> None:
    async with mesh.client() as client:
        breaker = await client.queues.breaker("nobody")

    assert (breaker.state, breaker.failure_threshold, breaker.min_throughput) == (Breaker.CLOSED, 5, 10)
    assert (breaker.recovery_timeout_seconds, breaker.half_open_max_calls) == (60, 3)


def is_open(breaker: Breaker) -> bool:
    return breaker.state == Breaker.OPEN


def says_breaker(told: ExplainWorkflowResponse) -> bool:
    return bool(told.steps) and "breaker" in told.steps[0].message


def token_of(mesh: SmallMesh) -> str:
    token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer", "operator"], ttl_seconds=600)
    return token
