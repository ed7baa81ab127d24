"""An agent that sends every result it has made, whatever it was told meanwhile: what a fence is there for.

Archwright's own agents stop by themselves before their lease is over, so they are no test of it. This one finishes
what it was given, and sends it over its stream; what it was told to abandon it sends in a call of its own as well.
It writes down each delivery before it works, each result before it is sent, and each answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import grpc
from google.protobuf.struct_pb2 import Struct

from archwright import Agent, stubs
from archwright.connection import Connection
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import ArchwrightError
from archwright.pacing import Backoff, rest
from archwright.payloads import to_struct
from archwright.sdk import settings as agent_settings
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas
from benchmarks.gathering import Gathering
from benchmarks.ledger import Delivery, Happened, Ledger, Line, Way

_FRAMES_MAX = 100

Stream: TypeAlias = "grpc.aio.StreamStreamCall[pb.ConnectRequest, pb.ConnectResponse]"


@dataclass(slots=True)
class _Work:
    """A delivery, from when it was given until its result was answered on a stream."""

    assign: pb.Assign
    output: dict[str, object]
    is_done: bool = False
    is_abandoned: bool = False
    """Whether the engine said that it is no longer the agent's."""
    was_called: bool = False

    @property
    def delivery(self) -> Delivery:
        """Which delivery it is."""
        return _delivery(self.assign.delivery)


@dataclass(slots=True)
class StubbornAgent:
    """Works on what it is given until it is cancelled."""

    agent_id: str
    slots: int
    engine: Connection
    ledger: Ledger
    group: asyncio.TaskGroup
    _works: dict[Delivery, _Work] = field(default_factory=dict)
    _outbox: Gathering[pb.AgentFrame] = field(default_factory=Gathering)
    _is_ready: bool = False

    async def stay(self) -> None:
        """Hold a stream to the engine, and open another whenever it breaks."""
        backoff = Backoff(seconds_max=1.0)
        while True:
            call = stubs.agent_work(self.engine.channel).Connect(metadata=self.engine.metadata())
            try:
                await self._converse(call, on_welcome=backoff.reset)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # it broke, or was over before Hello: what it was for is sent again over the next
            finally:
                call.cancel()
            await rest(backoff.next_pause())

    async def _converse(self, call: Stream, on_welcome: Callable[[], None]) -> None:
        """Say Hello, then read and write until the stream ends; raises what gRPC does where it breaks."""
        self._outbox = Gathering()
        held = [work.assign.delivery for work in self._works.values()]
        await call.write(
            pb.ConnectRequest(
                frames=[
                    pb.AgentFrame(hello=pb.Hello(agent_id=self.agent_id, protocol_version=1, in_flight=held)),
                    pb.AgentFrame(credit=pb.Credit(slots=max(0, self.slots - len(held)))),
                ]
            )
        )
        writing = self.group.create_task(self._write(call, self._outbox))
        try:
            while isinstance(message := await call.read(), pb.ConnectResponse):
                for frame in message.frames:
                    if frame.HasField("welcome"):
                        on_welcome()
                    self._hear(frame)
        finally:
            writing.cancel()

    async def _write(self, call: Stream, outbox: Gathering[pb.AgentFrame]) -> None:
        while True:
            frames = await outbox.take(_FRAMES_MAX)
            for frame in frames:
                if frame.HasField("result"):
                    self._note(Happened.SENT, _delivery(frame.result.delivery), Way.STREAM)
            try:
                await call.write(pb.ConnectRequest(frames=frames))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # the stream is over, which its reader finds out too

    def _hear(self, frame: pb.EngineFrame) -> None:
        match frame.WhichOneof("frame"):
            case "welcome":
                self._welcomed(frame.welcome)
            case "assign":
                self._begin(frame.assign)
            case "ping":
                self._say(pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce)))
            case "lease_lost":
                self._abandon([frame.lease_lost.delivery])
            case "result_ack":
                self._answered(frame.result_ack)

    def _welcomed(self, welcome: pb.Welcome) -> None:
        if not self._is_ready:
            self._is_ready = True
            print(json.dumps({"event": "ready", "address": ""}), flush=True)
        self._abandon(welcome.abandon)
        for work in self._works.values():
            if work.is_done:
                self._say(_result(work))

    def _begin(self, assign: pb.Assign) -> None:
        delivery = _delivery(assign.delivery)
        self._note(Happened.GIVEN, delivery)
        output = {"lease_id": delivery.lease_id, "attempt": delivery.attempt, "task_id": delivery.task_id}
        work = self._works[delivery] = _Work(assign, output)
        self._say(pb.AgentFrame(accept=pb.Accept(delivery=assign.delivery)))
        self.group.create_task(self._do(work))

    async def _do(self, work: _Work) -> None:
        await rest(float(json.loads(work.assign.input)["seconds"]))
        work.is_done = True
        self._say(_result(work))
        await self._call_if_abandoned(work)

    def _abandon(self, deliveries: Iterable[pb.Delivery]) -> None:
        for named in deliveries:
            work = self._works.get(_delivery(named))
            if work is not None:
                work.is_abandoned = True
                self.group.create_task(self._call_if_abandoned(work))

    async def _call_if_abandoned(self, work: _Work) -> None:
        """Send the result in a call, once the work is done and the engine does not want it any more."""
        if not work.is_done or not work.is_abandoned or work.was_called:
            return
        work.was_called = True
        output = Struct()
        output.CopyFrom(to_struct(work.output))
        request = pb.SubmitResultRequest(
            agent_id=self.agent_id,
            task_id=work.delivery.task_id,
            attempt=work.delivery.attempt,
            lease_id=work.delivery.lease_id,
            output=output,
            workflow_id=work.assign.workflow_id,
            tenant=work.assign.tenant,
        )
        self._note(Happened.SENT, work.delivery, Way.CALL)
        try:
            response = await self.engine.unary(stubs.agent_work(self.engine.channel).SubmitResult, request)
        except ArchwrightError as refused:
            self._note(Happened.ANSWERED, work.delivery, Way.CALL, refused.reason)
        else:
            outcome = pb.ResultAck.Outcome.Name(response.outcome)
            self._note(Happened.ANSWERED, work.delivery, Way.CALL, outcome)

    def _answered(self, ack: pb.ResultAck) -> None:
        delivery = _delivery(ack.delivery)
        self._note(Happened.ANSWERED, delivery, Way.STREAM, pb.ResultAck.Outcome.Name(ack.outcome))
        if self._works.pop(delivery, None) is not None:
            self._say(pb.AgentFrame(credit=pb.Credit(slots=1)))

    def _say(self, frame: pb.AgentFrame) -> None:
        self._outbox.add([frame])

    def _note(self, happened: Happened, delivery: Delivery, way: Way | None = None, outcome: str = "") -> None:
        self.ledger.write(Line(self.agent_id, happened, delivery, way, outcome))


def _result(work: _Work) -> pb.AgentFrame:
    output = json.dumps(work.output, separators=(",", ":"), sort_keys=True).encode()
    return pb.AgentFrame(result=pb.Result(delivery=work.assign.delivery, output=output))


def _delivery(named: pb.Delivery) -> Delivery:
    return Delivery(named.task_id, named.attempt, named.lease_id)


async def main() -> None:
    """Enrol as agents do, then work until told to stop, or until the parent is gone."""
    settings = agent_settings.load()
    slots = int(os.environ["BENCHMARK_SLOTS"])
    agent = Agent(os.environ["BENCHMARK_AGENT_TYPE"], max_concurrent_tasks=slots)
    registry = Replicas(settings.registry, token=settings.read_enrolment_token, ca_file=settings.ca_file)
    registration = Registration(agent, settings.agent_id, registry)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.parent_pipe_fd is not None:
        loop.add_reader(settings.parent_pipe_fd, stop.set)
    await registration.obtain(stop)
    engine = Connection.open(settings.engine, token=lambda: registration.token, ca_file=settings.ca_file)
    async with asyncio.TaskGroup() as group:
        ledger = Ledger(Path(os.environ["BENCHMARK_LEDGER"]))
        stubborn = StubbornAgent(settings.agent_id, slots, engine, ledger, group)
        begun = [
            group.create_task(stubborn.stay()),
            group.create_task(registration.keep(lambda: 0, lambda: False)),
        ]
        await stop.wait()
        for task in begun:
            task.cancel()
    await engine.aclose()
    await registry.aclose()


if __name__ == "__main__":
    asyncio.run(main())
