"""Whole agents against an engine that the test scripts, on a clock that it winds."""

from __future__ import annotations

import asyncio

import pytest

from archwright import Agent, Task
from archwright.errors import AgentNotRegistered
from archwright.language.model import ErrorCategory
from archwright.sdk.frames import (
    Accept,
    Assign,
    Chunk,
    Credit,
    Delivery,
    Draining,
    Failure,
    Hello,
    Pong,
    Reject,
    Result,
)
from archwright.testing import at_work


class Writer:
    """An agent, and what its functions lived through."""

    def __init__(self) -> None:
        self.agent = agent = Agent("writer", max_concurrent_tasks=2)
        self.may_go_on = asyncio.Event()
        self.cleaned_up = asyncio.Event()

        @agent.task("write")
        async def write(task: Task) -> dict[str, str]:
            await task.chunk("Dear ")
            await task.chunk(f"{task.input['name']},")
            return {"letter": f"Dear {task.input['name']},"}

        @agent.task("wait")
        async def wait(task: Task) -> None:
            try:
                await self.may_go_on.wait()
            finally:
                self.cleaned_up.set()

        @agent.task("cling")
        async def cling(task: Task) -> None:
            while not self.may_go_on.is_set():
                try:
                    await self.may_go_on.wait()
                except asyncio.CancelledError:
                    self.cleaned_up.set()

        @agent.task("flood")
        async def flood(task: Task) -> None:
            await task.chunk(b"x" * 1_000_000)


@pytest.fixture
def writer() -> Writer:
    return Writer()


async def test_an_agent_says_hello_grants_its_slots_and_does_a_task(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        assert (await stream.hears(Credit)).slots == 2
        delivery = stream.assigns({"name": "Ada"}, task_type="write")
        pieces = [await stream.hears(Chunk), await stream.hears(Chunk)]
        assert pieces == [Chunk(delivery, 1, b"Dear "), Chunk(delivery, 2, b"Ada,")]
        assert await stream.outcome(delivery) == Result(delivery, b'{"letter":"Dear Ada,"}')


async def test_what_it_holds_it_keeps_over_a_broken_stream(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        delivery = stream.assigns({}, task_type="wait")
        await stream.hears(Accept)
        stream.breaks()
        again = await engine.next_stream()
        hello = await again.hears(Hello)
        assert hello.in_flight == (delivery,)
        again.welcomes(hello)
        writer.may_go_on.set()
        assert isinstance(await again.outcome(delivery), Result)


async def test_a_result_is_sent_again_until_somebody_acknowledges_it(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        delivery = stream.assigns({"name": "Ada"}, task_type="write")
        first = await stream.hears(Result)
        stream.ends()
        again = await engine.connected()
        assert await again.outcome(delivery) == first


async def test_a_cancelled_task_cleans_up_and_says_nothing_more(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        await stream.hears(Credit)
        delivery = stream.assigns({}, task_type="wait")
        await stream.hears(Accept)
        stream.cancels(delivery, reason="no longer wanted")
        assert await stream.has_said() == (Credit(1),)
        assert writer.cleaned_up.is_set()


async def test_a_function_that_clings_to_its_task_is_given_up_after_its_grace(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        assert (await stream.hears(Credit)).slots == 2
        delivery = stream.assigns({}, task_type="cling")
        await stream.hears(Accept)
        stream.cancels(delivery, grace_seconds=2.0)
        await engine.clock.wind(1.0)
        assert writer.cleaned_up.is_set()
        assert await stream.has_said() == ()
        await engine.clock.wind(1.5)
        assert await stream.has_said() == (Credit(1),)
        writer.may_go_on.set()


async def test_an_agent_stops_by_itself_when_its_lease_is_no_longer_renewed(writer: Writer) -> None:
    async with at_work(writer.agent, lease_seconds=6.0) as engine:
        stream = await engine.connected()
        stream.assigns({}, task_type="wait")
        await stream.hears(Accept)
        await engine.clock.wind(3.0)
        assert not writer.cleaned_up.is_set()
        await engine.clock.wind(1.5)
        assert writer.cleaned_up.is_set()


async def test_while_it_is_pinged_it_stays_and_without_it_leaves(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        for _ in range(10):
            nonce = stream.pings()
            assert await stream.hears(Pong) == Pong(nonce)
            await engine.clock.wind(2.0)
        assert not stream.is_over
        await engine.clock.wind(9.0)
        assert stream.is_over


async def test_an_agent_that_is_told_to_stop_finishes_and_refuses_more(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        held = stream.assigns({}, task_type="wait")
        await stream.hears(Accept)
        engine.stop()
        await stream.hears(Draining)
        late = stream.assigns({"name": "Ada"}, task_type="write")
        assert (await stream.hears(Reject)).delivery == late
        writer.may_go_on.set()
        assert isinstance(await stream.outcome(held), Result)


async def test_what_is_not_done_in_time_it_gives_back(writer: Writer) -> None:
    async with at_work(writer.agent, drain_seconds=1.0) as engine:
        stream = await engine.connected()
        held = stream.assigns({}, task_type="wait")
        await stream.hears(Accept)
        engine.stop()
        await engine.clock.wind(1.5)
        failure = await stream.outcome(held)
        assert isinstance(failure, Failure)
        assert (failure.category, failure.code) == (ErrorCategory.CAPACITY, "AGENT_DRAINING")


async def test_a_flood_of_output_arrives_whole_and_in_order(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        stream.assigns({}, task_type="flood")
        size, seq = 0, 0
        while size < 1_000_000:
            chunk = await stream.hears(Chunk)
            seq += 1
            assert chunk.seq == seq
            size += len(chunk.part)
        assert size == 1_000_000


@pytest.mark.parametrize("given", [b"no json", b"[1]", b'{"a":' * 40 + b"1" + b"}" * 40, b'{"a":"' + b"x" * 1_100_000])
async def test_input_that_cannot_be_read_fails_its_task_and_not_the_agent(writer: Writer, given: bytes) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        bad = Delivery("task_bad", 1, "lease_bad")
        stream.says(Assign(bad, "wf_test", "test", "write", "test", given))
        failure = await stream.outcome(bad)
        assert isinstance(failure, Failure)
        assert failure.category is ErrorCategory.PERMANENT
        good = stream.assigns({"name": "Ada"}, task_type="write")
        assert isinstance(await stream.outcome(good), Result)


async def test_more_than_it_granted_is_refused_and_the_rest_done(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        held = [stream.assigns({}, task_type="wait") for _ in range(3)]
        assert (await stream.hears(Reject)).delivery == held[2]
        writer.may_go_on.set()
        for delivery in held[:2]:
            assert isinstance(await stream.outcome(delivery), Result)


async def test_an_engine_that_drains_is_left_for_another_stream(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        stream = await engine.connected()
        stream.drains(reconnect_after_seconds=1.0)
        await engine.connected()
        assert stream.is_over


async def test_an_engine_that_does_not_know_the_agent_is_tried_again(writer: Writer) -> None:
    async with at_work(writer.agent) as engine:
        (await engine.next_stream()).breaks(AgentNotRegistered("unknown"))
        again = await engine.connected()
        assert (await again.hears(Credit)).slots == 2


async def test_files_go_in_and_out() -> None:
    agent = Agent("copier")

    @agent.task()
    async def copy(task: Task) -> None:
        await task.put_artifact("copy.txt", await task.get_artifact("original.txt"), "text/plain")

    async with at_work(agent) as engine:
        engine.artifacts["original.txt"] = b"content"
        stream = await engine.connected()
        done = await stream.outcome(stream.assigns({}))
        assert isinstance(done, Result)
        [artifact] = done.artifacts
        assert engine.files[artifact.sha256] == b"content"
