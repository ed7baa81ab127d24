"""Agents that pull: the same tasks, leases and fences as on a stream, call by call, over gRPC and over REST."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from small_mesh import SmallMesh

from archwright import Client, stubs
from archwright.channel import bearer, open_channel
from archwright.client.definitions import published
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import ArchwrightError, LeaseLost, PayloadInvalid, PayloadTooLarge, RequestInvalid, RoleDenied
from archwright.registry.v1 import agent_registry_pb2
from archwright.serving.status import from_rpc_error

SLOTS_MAX = 4
KINDS = itertools.count(1)
LONG = Duration(seconds=10**15)
STRANGE: Any = 77
Begin = Callable[..., Awaitable[str]]
SHORT_LEASES = {"ARCHWRIGHT_LEASE_SECONDS": "3", "ARCHWRIGHT_RENEW_SECONDS": "0.6"}


class Puller:
    """An agent without a stream; `of(n)` calls the nth engine."""

    def __init__(self, mesh: SmallMesh, kind: str, agent_id: str) -> None:
        self.agent_id = agent_id
        self._kind = kind
        self._channels = [open_channel(f"http://{engine.address}") for engine in mesh.engines]
        self._registry = open_channel(f"http://{mesh.registry.address}")
        signed = mesh.signer.sign(subject="e", tenant="platform", roles=["enrolment"], ttl_seconds=600)
        self._enrolment = bearer(signed[0])
        token, _ = mesh.signer.sign(
            subject=agent_id, tenant="platform", roles=["agent"], ttl_seconds=600, agent_type=kind
        )
        self._metadata = bearer(token)

    async def register(self) -> None:
        request = agent_registry_pb2.RegisterAgentRequest(
            agent_id=self.agent_id, agent_type=self._kind, max_concurrent_tasks=20
        )
        await stubs.agent_registry(self._registry).RegisterAgent(request, metadata=self._enrolment)

    async def pull(self, slots: int = 1, wait: float = 10, on: int = 0, **different: Any) -> pb.PullTasksResponse:
        request = pb.PullTasksRequest(**{"agent_id": self.agent_id, "slots": slots} | different)
        request.wait.FromMilliseconds(int(wait * 1000))
        return await self._asked(stubs.agent_work(self._channels[on]).PullTasks, request)

    async def one(self, on: int = 0) -> pb.PulledTask:
        [task] = (await self.pull(on=on)).tasks
        return task

    async def accept(self, task: pb.PulledTask, on: int = 0, **different: Any) -> pb.AcceptTaskResponse:
        return await self._asked(
            stubs.agent_work(self._channels[on]).AcceptTask, pb.AcceptTaskRequest(**self._named(task) | different)
        )

    async def progress(self, task: pb.PulledTask, **different: Any) -> pb.ReportProgressResponse:
        return await self._asked(
            stubs.agent_work(self._channels[0]).ReportProgress,
            pb.ReportProgressRequest(**self._named(task) | different),
        )

    async def result(self, task: pb.PulledTask, output: Any = None, on: int = 0, **different: Any) -> Any:
        request = pb.SubmitResultRequest(**self._named(task) | different)
        if request.WhichOneof("ending") is None:
            request.output.update(output or {"sum": 3})
        return await self._asked(stubs.agent_work(self._channels[on]).SubmitResult, request)

    async def stream(self, *frames: pb.AgentFrame) -> AsyncGenerator[pb.EngineFrame, None]:
        """Say something on a stream of the same agent, and tell what the engine answers."""
        call = stubs.agent_work(self._channels[0]).Connect(metadata=self._metadata)
        try:
            for frame in frames:
                await call.write(pb.ConnectRequest(frames=[frame]))
            async for response in call:
                for answer in response.frames:
                    yield answer
        finally:
            call.cancel()

    async def aclose(self) -> None:
        for channel in (*self._channels, self._registry):
            await channel.close()

    def _named(self, task: pb.PulledTask) -> dict[str, Any]:
        told = task.delivery
        return {
            "agent_id": self.agent_id,
            "task_id": told.task_id,
            "attempt": told.attempt,
            "lease_id": told.lease_id,
        }

    async def _asked(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, metadata=self._metadata, timeout=40)
        except grpc.aio.AioRpcError as refused:
            raise from_rpc_error(refused) from None


@pytest.fixture(scope="module")
def mesh(shared_mesh: SmallMesh) -> SmallMesh:
    return shared_mesh


@pytest.fixture
def kind() -> str:
    """Return an agent type of this test's own: the tests of the file share a mesh."""
    return f"puller_{next(KINDS)}"


@pytest.fixture
async def puller_of(kind: str) -> AsyncIterator[Callable[..., Any]]:
    made: list[Puller] = []

    async def make(mesh: SmallMesh, number: int = 1) -> Puller:
        made.append(Puller(mesh, kind, f"{kind}-{number}"))
        await made[-1].register()
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


@pytest.fixture
async def puller(mesh: SmallMesh, puller_of: Any) -> Puller:
    found: Puller = await puller_of(mesh)
    return found


@pytest.fixture
def begun(kind: str) -> Begin:
    """Starts workflows of one step for agents of this test's kind."""

    async def begin(client: Client, **given: Any) -> str:
        await client.definitions.publish(f"name: {kind}\nsteps: [{{name: a, agent: {kind}, task_type: add}}]")
        return (await client.start(kind, given)).workflow_id

    return begin


async def test_a_workflow_finishes_by_an_agent_that_pulls(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client, left=1, right=2)

        task = await puller.one()
        assert (task.step, task.task_type, task.workflow_id, task.tenant) == ("a", "add", workflow_id, "acme")
        assert dict(task.input) == {"left": 1, "right": 2}
        assert (await puller.accept(task)).lease_ttl.seconds == 15
        await puller.progress(task, percent=50, message="adding")
        assert (await puller.result(task)).outcome == pb.ResultAck.APPLIED

        done = await client.wait(workflow_id)
        assert done.status == Workflow.COMPLETED
        assert (await client.tasks(workflow_id))[0].agent_id == puller.agent_id


async def test_a_call_that_waits_is_answered_when_work_comes(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        waiting = asyncio.ensure_future(puller.pull(wait=30))
        await begun(client)

        assert len((await waiting).tasks) == 1


async def test_nothing_there_is_an_empty_answer_and_asks_for_nothing_renews(puller: Puller) -> None:
    assert not (await puller.pull(wait=0)).tasks
    assert not (await puller.pull(slots=0, wait=30)).tasks, "who wants nothing does not wait"


async def test_a_result_says_what_became_of_it(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        task = await puller.one()

        assert (await puller.result(task)).outcome == pb.ResultAck.APPLIED, "an accept is implied"
        repeated = {"workflow_id": workflow_id, "tenant": "acme"}
        assert (await puller.result(task, **repeated)).outcome == pb.ResultAck.DUPLICATE
        assert (await puller.result(task)).outcome == pb.ResultAck.STALE
        assert (await puller.result(task, attempt=7, **repeated)).outcome == pb.ResultAck.STALE


async def test_a_failure_is_retried_by_the_steps_policy(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        first = await puller.one()
        failure = pb.TaskFailure(category="TRANSIENT", code="LATER", message="not now")
        assert (await puller.result(first, failure=failure)).outcome == pb.ResultAck.APPLIED

        second = await puller.one()
        assert (second.delivery.task_id, second.failures) == (first.delivery.task_id, 1)
        await puller.result(second)

        assert (await client.wait(workflow_id)).status == Workflow.COMPLETED


async def test_any_replica_takes_any_call(meshes: Any, puller_of: Any, begun: Begin) -> None:
    async with meshes(replicas=2) as mesh, mesh.client() as client:
        puller = await puller_of(mesh)
        workflow_id = await begun(client)

        task = await puller.one(on=0)
        await puller.accept(task, on=1)
        assert [held.task_id for held in (await puller.pull(wait=0, on=1)).held] == [task.delivery.task_id]
        assert (await puller.result(task, on=1)).outcome == pb.ResultAck.APPLIED

        assert (await client.wait(workflow_id)).status == Workflow.COMPLETED


async def test_the_tasks_of_one_that_goes_silent_move_and_its_late_word_is_stale(
    meshes: Any, puller_of: Any, begun: Begin
) -> None:
    async with meshes(**SHORT_LEASES) as mesh, mesh.client() as client:
        silent, other = await puller_of(mesh), await puller_of(mesh, 2)
        workflow_id = await begun(client)
        lost = await silent.one()
        await silent.accept(lost)

        moved = await other.one()
        assert moved.delivery.task_id == lost.delivery.task_id
        for named in ({}, {"workflow_id": workflow_id, "tenant": "acme"}):
            assert (await silent.result(lost, **named)).outcome == pb.ResultAck.STALE, "it never counted"
        assert not (await silent.pull(wait=0)).held
        with pytest.raises(LeaseLost, match="Stop working on it"):
            await silent.progress(lost, percent=99)
        await other.result(moved)

        assert (await client.wait(workflow_id)).status == Workflow.COMPLETED


async def test_what_nobody_accepts_goes_to_another(meshes: Any, puller_of: Any, begun: Begin) -> None:
    async with meshes(ARCHWRIGHT_ACCEPT_SECONDS="0.5") as mesh, mesh.client() as client:
        deaf, other = await puller_of(mesh), await puller_of(mesh, 2)
        await begun(client)
        first = await deaf.one()

        second = await other.one()

        assert second.delivery.task_id == first.delivery.task_id
        with pytest.raises(LeaseLost):
            await deaf.accept(first)


async def test_a_cancelled_task_is_held_no_longer(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        task = await puller.one()
        await puller.accept(task)

        await client.cancel(workflow_id)

        assert not (await puller.pull(wait=0)).held
        assert (await puller.result(task)).outcome == pb.ResultAck.STALE


async def test_one_that_waits_for_more_hears_at_once_what_was_called_off(
    mesh: SmallMesh, puller: Puller, begun: Begin
) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        task = await puller.one()
        await puller.accept(task)
        waiting = asyncio.ensure_future(puller.pull(wait=30))
        assert [held.task_id for held in (await puller.pull(slots=0)).held] == [task.delivery.task_id]

        await client.cancel(workflow_id)

        async with asyncio.timeout(15):
            answer = await waiting
        assert (list(answer.tasks), list(answer.held)) == ([], [])


async def test_replicas_tell_each_other_what_concerns_those_who_wait_in_a_call(
    meshes: Any, valkey: str, puller_of: Any, begun: Begin
) -> None:
    # So rarely do replicas look by themselves here that what comes came by a hint.
    settings = {"ARCHWRIGHT_POLL_SECONDS": "60", "ARCHWRIGHT_LEASE_SECONDS": "300", "ARCHWRIGHT_REDIS_URL": valkey}
    async with meshes(replicas=2, **settings) as mesh, mesh.client() as anywhere:
        puller = await puller_of(mesh)
        token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["operator", "admin"], ttl_seconds=600)
        async with Client(f"http://{mesh.engines[0].address}", token) as here, asyncio.timeout(20):
            waiting = asyncio.ensure_future(puller.pull(wait=30, on=1))
            workflow_id = await begun(here)
            [task] = (await waiting).tasks
            assert (await anywhere.tasks(workflow_id))[0].task_id == task.delivery.task_id

            waiting = asyncio.ensure_future(puller.pull(wait=30, on=1))
            assert [held.task_id for held in (await puller.pull(slots=0, on=1)).held] == [task.delivery.task_id]
            await here.cancel(workflow_id)
            assert list((await waiting).held) == []


async def test_a_stream_of_the_agent_takes_over_and_its_failure_of_an_unknown_category_counts(
    mesh: SmallMesh, puller: Puller, begun: Begin
) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        task = await puller.one()
        await puller.accept(task)
        hello = pb.Hello(agent_id=puller.agent_id, protocol_version=1, in_flight=[task.delivery])
        failure = pb.Failure(delivery=task.delivery, category=STRANGE, retry_after=LONG)

        async with aclosing(puller.stream(pb.AgentFrame(hello=hello), pb.AgentFrame(failure=failure))) as answers:
            async with asyncio.timeout(15):
                welcome = (await anext(answers)).welcome
                assert list(welcome.keep) == [task.delivery]
                while not (answer := await anext(answers)).HasField("result_ack"):
                    pass

        assert answer.result_ack.outcome == pb.ResultAck.APPLIED
        ended = await client.wait(workflow_id)
        assert (ended.status, ended.error_details) == (
            Workflow.FAILED,
            "Step 'a' failed (permanent): its agent gave no reason",
        )


async def test_calls_that_come_at_once_are_given_different_tasks(meshes: Any, puller_of: Any, begun: Begin) -> None:
    async with meshes(replicas=2) as mesh, mesh.client() as client:
        puller = await puller_of(mesh)
        for _ in range(4):
            await begun(client)

        answers = await asyncio.gather(*(puller.pull(on=number % 2) for number in range(4)))

        given = {task.delivery.lease_id for answer in answers for task in answer.tasks}
        assert len(given) == 4
        assert {held.lease_id for held in (await puller.pull(slots=0)).held} == given


async def test_a_drained_agent_is_given_nothing_and_finishes_what_it_holds(
    mesh: SmallMesh, kind: str, puller_of: Any, begun: Begin
) -> None:
    leaving = await puller_of(mesh)
    async with mesh.client() as client, mesh.registry_client() as platform:
        await begun(client)
        task = await leaving.one()
        await leaving.accept(task)
        await platform.agents.drain(leaving.agent_id)
        async with asyncio.timeout(10):
            while (await client.definitions.plan(published(kind))).steps[0].agents:
                pass  # until the engine has heard
        waiting = await begun(client)

        drained = await leaving.pull(wait=0)
        assert (len(drained.tasks), len(drained.held)) == (0, 1)
        assert (await leaving.result(task)).outcome == pb.ResultAck.APPLIED
        other = await puller_of(mesh, 2)
        assert (await other.one()).workflow_id == waiting


async def test_an_agent_touches_only_its_own_tasks(
    mesh: SmallMesh, puller: Puller, puller_of: Any, begun: Begin
) -> None:
    thief = await puller_of(mesh, 2)
    async with mesh.client() as client:
        await begun(client)
        task = await puller.one()

        with pytest.raises(LeaseLost):
            await thief.accept(task)
        assert (await thief.result(task)).outcome == pb.ResultAck.STALE
        with pytest.raises(RoleDenied, match="speaks for no other"):
            await thief.accept(task, agent_id=puller.agent_id)
        with pytest.raises(RoleDenied):
            await thief.pull(agent_id=puller.agent_id)
        assert (await puller.result(task)).outcome == pb.ResultAck.APPLIED


async def test_one_that_the_registry_does_not_know_is_refused(mesh: SmallMesh, puller: Puller, kind: str) -> None:
    stranger = Puller(mesh, kind, "stranger")
    try:
        with pytest.raises(ArchwrightError, match="Register it, then pull again"):
            await stranger.pull()
    finally:
        await stranger.aclose()


async def test_bad_input_names_the_field(mesh: SmallMesh, puller: Puller, begun: Begin) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client)
        task = await puller.one()
        deep: dict[str, Any] = {}
        for _ in range(20):
            deep = {"deeper": deep}

        for refused, words in (
            (puller.pull(slots=-1), "`slots` must be from 0 to 1000"),
            (puller.pull(slots=1001), "`slots` must be from 0 to 1000"),
            (puller.pull(wait=31), "`wait` must be from 0 to 30 seconds"),
            (puller.accept(task, task_id="wf_1"), "`task_id` is 'wf_1', which is none of ours"),
            (puller.accept(task, lease_id=""), "`lease_id` is '', which is none of ours"),
            (puller.progress(task, percent=float("nan")), "`percent` must be a number"),
            (puller.result(task, failure=pb.TaskFailure(category=STRANGE)), "`failure.category` is none of"),
            (puller.result(task, failure=pb.TaskFailure(retry_after=LONG)), "`failure.retry_after` must be from 0"),
            (puller.result(task, attempt=9, workflow_id=workflow_id, tenant="\0"), "`tenant` is none of ours"),
        ):
            with pytest.raises(RequestInvalid) as wrong:
                await refused
            assert words in wrong.value.message
        for output in (deep, {"big": 2**60}):
            with pytest.raises(PayloadInvalid):
                await puller.result(task, output=output)
        with pytest.raises(PayloadTooLarge, match="Put large content into an artifact"):
            await puller.result(task, output={"text": "x" * (1 << 20)})
        missing = await puller.result(task, artifacts=[pb.ArtifactReference(name="a", sha256="0" * 64)])
        assert (missing.outcome, "never put into the store" in missing.message) == (pb.ResultAck.REFUSED, True)
