"""Several engines behind one setting: the dead and the frozen are passed by, and all are used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from archwright import Agent, Task
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import ArchwrightError, DependencyUnavailable, RequestInvalid
from archwright.sdk import artifacts
from archwright.sdk.frames import Welcome
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Place, Replicas
from archwright.sdk.transport import GrpcEngine
from archwright.sdk.worker import Worker


@pytest.fixture
def frozen() -> Iterator[str]:
    """Where connections are taken and nobody ever speaks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
async def replicas_of(engine) -> AsyncIterator[object]:
    opened: list[Replicas] = []

    def make(*addresses: str) -> Replicas:
        opened.append(Replicas(",".join((*addresses, engine.address)), token="token"))
        while opened[-1].present.address == engine.address:
            opened[-1].leave(opened[-1].present)
        return opened[-1]

    yield make
    for replicas in opened:
        await replicas.aclose()


async def test_a_call_goes_past_a_dead_replica(engine, replicas_of, unused_tcp_port: int) -> None:
    replicas = replicas_of(f"127.0.0.1:{unused_tcp_port}")
    sha256 = await artifacts.put(replicas, "wf_1", b"content", "text/plain")
    assert engine.files == {sha256: b"content"}
    assert replicas.present == Place(engine.address)


async def test_a_call_goes_past_a_frozen_replica_within_its_time(engine, replicas_of, frozen: str) -> None:
    registration = Registration(Agent("greeter"), "agent_1", replicas := replicas_of(frozen))
    with pytest.raises(ArchwrightError, match="enrolment token"):  # which only the other can say
        await registration.obtain(asyncio.Event())
    assert replicas.present == Place(engine.address)


async def test_when_all_are_dead_the_last_one_is_named(unused_tcp_port: int) -> None:
    replicas = Replicas(f"127.0.0.1:{unused_tcp_port}", token="token")
    with pytest.raises(DependencyUnavailable, match=str(unused_tcp_port)):
        await replicas.call(lambda connection, _: connection.channel.unary_unary("/a/b")(b""), seconds_max=0.5)
    await replicas.aclose()


async def test_a_stream_that_ends_is_followed_by_one_to_the_next_replica(engine, replicas_of, frozen: str) -> None:
    replicas = replicas_of(frozen)
    work = GrpcEngine(replicas)
    async with work.stream():
        assert replicas.present == Place(frozen)
    async with work.stream() as stream:
        dialogue = await engine.next_stream()
        dialogue.welcomes()
        [frame] = await stream.read() or ()
        assert isinstance(frame, Welcome)
    assert replicas.present == Place(frozen)


async def test_each_stream_has_a_connection_of_its_own(engine) -> None:
    work = GrpcEngine(Replicas(engine.address, token="token"))
    async with work.stream(), work.stream():
        peers = {(await engine.next_stream()).peer for _ in range(2)}
    assert len(peers) == 2


async def test_a_message_that_is_no_message_ends_the_stream_and_not_the_agent(engine) -> None:
    replicas = Replicas(engine.address, token="token")
    async with GrpcEngine(replicas).stream() as stream:
        dialogue = await engine.next_stream()
        dialogue.says(pb.EngineFrame())  # of a kind that this SDK does not know
        dialogue.welcomes()
        assert await stream.read() == ()
        [frame] = await stream.read() or ()
        assert isinstance(frame, Welcome)


@pytest.mark.parametrize("addresses", ["", " , ", "a:1,b", "a:1,http://b/path"])
def test_addresses_that_cannot_be_are_refused_at_once(addresses: str) -> None:
    with pytest.raises(RequestInvalid):
        Replicas(addresses, token="token")


async def test_a_name_that_stands_for_several_machines_counts_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "engines"
        return [(0, 0, 0, "", ("10.0.0.2", port)), (0, 0, 0, "", ("10.0.0.1", port)), (0, 0, 0, "", ("fd00::1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers)
    replicas = Replicas("https://engines:443", token="token")
    await replicas.look_up()
    found = set()
    for _ in range(3):
        found.add(replicas.present.machine)
        replicas.leave(replicas.present)
    assert found == {"10.0.0.1:443", "10.0.0.2:443", "[fd00::1]:443"}


async def test_a_name_that_cannot_be_looked_up_is_left_to_grpc() -> None:
    replicas = Replicas("engine.invalid:443", token="token")
    await replicas.look_up()
    assert replicas.present == Place("engine.invalid:443")


async def test_two_who_leave_the_same_replica_move_on_once() -> None:
    replicas = Replicas("a:1,b:2,c:3", token="token")
    left = replicas.present
    replicas.leave(left)
    after = replicas.present
    replicas.leave(left)
    assert replicas.present == after


async def test_an_agent_whose_engine_died_goes_to_another(engine, unused_tcp_port: int) -> None:
    agent = Agent("greeter")

    @agent.task()
    async def greet(task: Task) -> None: ...

    registry = Replicas(engine.address, token="enrol-me")
    registration = Registration(agent, "agent_1", registry)
    await registration.obtain(stopping := asyncio.Event())
    replicas = Replicas(f"127.0.0.1:{unused_tcp_port},{engine.address}", token=lambda: registration.token)
    worker = Worker(agent, "agent_1", engine=GrpcEngine(replicas), registration=registration, on_ready=lambda: None)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.work(stopping, 1.0))
        first = await engine.next_stream()
        first.welcomes()
        await first.hears("credit")
        first.ends()
        again = await engine.next_stream()  # after a try at the dead one in between
        again.welcomes()
        stopping.set()
        await working
    await replicas.aclose()
    await registry.aclose()
