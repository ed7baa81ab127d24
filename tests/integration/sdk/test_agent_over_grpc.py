"""An agent on real streams to a scripted engine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator

import orjson
import pytest

from archwright import Agent, Business, Task, Transient
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.problem.v1 import reason_pb2
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas
from archwright.sdk.transport import GrpcEngine
from archwright.sdk.worker import Worker


def delivery(number: int, attempt: int = 1) -> pb.Delivery:
    return pb.Delivery(task_id=f"task_{number}", attempt=attempt, lease_id=f"lease_{number}_{attempt}")


def assign(number: int, task_type: str, **input_: object) -> pb.EngineFrame:
    return pb.EngineFrame(
        assign=pb.Assign(
            delivery=delivery(number),
            workflow_id="wf_1",
            step="greet",
            task_type=task_type,
            tenant="acme",
            idempotency_key=f"task_{number}",
            input=orjson.dumps(input_),
        )
    )


def applied(number: int) -> pb.EngineFrame:
    return pb.EngineFrame(result_ack=pb.ResultAck(delivery=delivery(number), outcome=pb.ResultAck.APPLIED))


class Greeter:
    """The agent under test, and what its functions lived through."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.started = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.thread_saw_cancellation = threading.Event()
        self.agent = agent = Agent("greeter", capabilities=["greeting"], max_concurrent_tasks=4, agent_id="agent_1")

        @agent.task("greet")
        async def greet(task: Task) -> dict[str, str]:
            await task.progress(50, "thinking")
            return {"greeting": f"Hello, {task.input['name']}!"}

        @agent.task("wait")
        async def wait(task: Task) -> None:
            self.started.set()
            try:
                await self.may_go_on.wait()
            except asyncio.CancelledError:
                assert task.cancelled
                self.cancelled.set()
                raise

        @agent.task("block")
        def block(task: Task) -> dict[str, str]:
            task.wait(task.progress(10, "blocking"))
            return {"thread": threading.current_thread().name}

        @agent.task("block_until_cancelled")
        def block_until_cancelled(task: Task) -> None:
            ticker = threading.Event()
            while not task.cancelled:
                ticker.wait(0.01)
            self.thread_saw_cancellation.set()

        @agent.task("draw")
        async def draw(task: Task) -> None:
            await task.put_artifact("picture.svg", b"<svg/>" * 20_000, "image/svg+xml")

        @agent.task("fail")
        async def fail(task: Task) -> None:
            match task.input["how"]:
                case "transient":
                    raise Transient("the model is away", retry_after=2.5)
                case "business":
                    raise Business("no such customer", code="CUSTOMER_UNKNOWN", details={"id": 7})
                case _:
                    raise KeyError("name")


@pytest.fixture
def greeter() -> Greeter:
    return Greeter()


@contextlib.asynccontextmanager
async def at_work(greeter: Greeter, address: str, drain_seconds: float = 5.0) -> AsyncIterator[asyncio.Event]:
    """Run the agent; the event tells it to stop."""
    stopping = asyncio.Event()
    enrolment = Replicas(address, token=lambda: "enrol-me")
    registration = Registration(greeter.agent, "agent_1", enrolment)
    await registration.obtain(stopping)
    engine = Replicas(address, token=lambda: registration.token)
    worker = Worker(
        greeter.agent, "agent_1", engine=GrpcEngine(engine), registration=registration, on_ready=lambda: None
    )
    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.work(stopping, drain_seconds))
        try:
            yield stopping
        finally:
            stopping.set()
            greeter.may_go_on.set()
            async with asyncio.timeout(10):
                await working
    await engine.aclose()
    await enrolment.aclose()


async def test_a_task_is_done_from_assignment_to_acknowledgement(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        assert stream.metadata["authorization"] == "Bearer token-1"
        hello = (await stream.hears("hello")).hello
        assert (hello.agent_id, list(hello.capabilities), hello.protocol_version) == ("agent_1", ["greeting"], 1)
        stream.welcomes()
        assert (await stream.hears("credit")).credit.slots == 4
        stream.says(assign(1, "greet", name="Ada"))
        result = (await stream.hears("result")).result
        assert result.delivery == delivery(1)
        assert result.output == b'{"greeting":"Hello, Ada!"}'
        stream.says(applied(1))
        assert (await stream.hears("credit")).credit.slots == 1
    assert engine.deregistered == ["agent_1"]


async def test_progress_is_told_while_the_task_runs(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "block"))
        progress = (await stream.hears("progress")).progress
        assert (progress.percent, progress.message) == (10.0, "blocking")
        result = (await stream.hears("result")).result
        assert orjson.loads(result.output)["thread"].startswith("task-")
        stream.says(applied(1))


async def test_a_file_is_put_ahead_of_the_result_that_names_it(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "draw"))
        (artifact,) = (await stream.hears("result")).result.artifacts
        assert artifact.name == "picture.svg"
        assert hashlib.sha256(engine.files[artifact.sha256]).hexdigest() == artifact.sha256
        stream.says(applied(1))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("transient", (reason_pb2.TRANSIENT, "TRANSIENT", "the model is away")),
        ("business", (reason_pb2.BUSINESS, "CUSTOMER_UNKNOWN", "no such customer")),
        ("fault", (reason_pb2.PERMANENT, "AGENT_FAULT", "KeyError: 'name'")),
    ],
)
async def test_a_failure_says_of_what_kind_it_is(
    engine, greeter: Greeter, how: str, expected: tuple[int, str, str]
) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "fail", how=how))
        failure = (await stream.hears("failure")).failure
        assert (failure.category, failure.code, failure.message) == expected
        if how == "transient":
            assert failure.retry_after.ToMilliseconds() == 2500
        if how == "business":
            assert failure.details == b'{"id":7}'
        stream.says(applied(1))


async def test_a_task_of_an_unknown_type_fails_for_good(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "sing"))
        failure = (await stream.hears("failure")).failure
        assert (failure.category, failure.code) == (reason_pb2.PERMANENT, "TASK_TYPE_UNKNOWN")
        stream.says(applied(1))


async def test_cancel_reaches_the_function(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "wait"))
        await greeter.started.wait()
        stream.says(pb.EngineFrame(cancel=pb.Cancel(delivery=delivery(1), reason="no longer wanted")))
        async with asyncio.timeout(5):
            await greeter.cancelled.wait()


async def test_a_task_cancelled_before_it_began_frees_its_slot(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        assert (await stream.hears("credit")).credit.slots == 4
        stream.says(assign(1, "wait"), pb.EngineFrame(cancel=pb.Cancel(delivery=delivery(1))))
        assert (await stream.hears("credit")).credit.slots == 1


async def test_a_blocking_function_sees_that_it_was_cancelled(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        assert (await stream.hears("credit")).credit.slots == 4
        stream.says(assign(1, "block_until_cancelled"))
        await stream.hears("accept")
        stream.says(pb.EngineFrame(lease_lost=pb.LeaseLost(delivery=delivery(1))))
        assert (await stream.hears("credit")).credit.slots == 1
        assert greeter.thread_saw_cancellation.is_set()


async def test_work_survives_a_broken_stream(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        first = await engine.next_stream()
        first.welcomes()
        first.says(assign(1, "wait"))
        await greeter.started.wait()
        first.ends()
        second = await engine.next_stream()
        assert list((await second.hears("hello")).hello.in_flight) == [delivery(1)]
        second.welcomes(keep=[delivery(1)])
        greeter.may_go_on.set()
        assert (await second.hears("result")).result.delivery == delivery(1)
        second.ends()
        third = await engine.next_stream()
        assert list((await third.hears("hello")).hello.in_flight) == [delivery(1)]
        third.welcomes(keep=[delivery(1)])
        assert (await third.hears("result")).result.output == b"{}"
        third.says(applied(1))


async def test_an_engine_that_falls_silent_is_left_for_another_stream(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        first = await engine.next_stream()
        first.welcomes(ping_seconds=0.1)
        second = await engine.next_stream()
        await second.hears("hello")
        await asyncio.wait_for(first.over.wait(), 5)


async def test_a_task_is_given_up_when_the_engine_renews_nothing(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes(lease_seconds=1.0)
        stream.says(assign(1, "wait"))
        async with asyncio.timeout(5):
            await greeter.cancelled.wait()


async def test_an_agent_that_is_told_to_stop_finishes_what_it_holds(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address) as stopping:
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "wait"))
        await greeter.started.wait()
        stopping.set()
        await stream.hears("draining")
        stream.says(assign(2, "greet", name="late"))
        assert (await stream.hears("reject")).reject.delivery == delivery(2)
        greeter.may_go_on.set()
        await stream.hears("result")
        stream.says(applied(1))


async def test_an_agent_that_cannot_finish_in_time_gives_its_tasks_back(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address, drain_seconds=0.1) as stopping:
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "wait"))
        await greeter.started.wait()
        stopping.set()
        failure = (await stream.hears("failure")).failure
        assert (failure.category, failure.code) == (reason_pb2.CAPACITY, "AGENT_DRAINING")
        stream.says(applied(1))


async def test_many_results_travel_in_few_messages(engine, greeter: Greeter) -> None:
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        await stream.hears("credit")
        stream.says(*(assign(number, "greet", name="Ada") for number in range(4)))
        for _ in range(4):
            await stream.hears("result")
        stream.says(*(applied(number) for number in range(4)))
        assert len(stream.messages) <= 6  # hello, credit, then at most one for each task


async def test_heartbeats_tell_the_load_and_the_token_is_renewed_before_it_ends(engine, greeter: Greeter) -> None:
    engine.token_seconds = 1.0
    async with at_work(greeter, engine.address):
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(assign(1, "wait"))
        await greeter.started.wait()
        async with asyncio.timeout(10):
            await engine.renewed.wait()
            await engine.saw_load.wait()
        greeter.may_go_on.set()
        await stream.hears("result")
        stream.says(applied(1))
    assert engine.registered[0].agent_type == "greeter"
