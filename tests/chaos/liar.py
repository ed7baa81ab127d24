"""An agent with no SDK that breaks every promise of an agent; each task's input says which.

What it lies is marked as a lie, and must be found in no history. What it does twice, late or in another order is true.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from archwright import ids, stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from tests.chaos.raw_agent import PAUSE_SECONDS, RawAgent, pause, say_ready

LATE_SECONDS = float(os.environ.get("LATE_SECONDS", "5"))
"""Longer than a lease."""
LATE_TIMES_MAX = 2
ACCEPT_SECONDS = float(os.environ.get("ACCEPT_SECONDS", "1"))
"""What an engine waits for a task to be accepted."""
TARDY_SECONDS_MAX = 0.6
GATHER_SECONDS = 0.5
SLOTS = 20


@dataclass
class Liar:
    """One agent over all its streams."""

    agent: RawAgent
    group: asyncio.TaskGroup
    mute_until: float = 0.0
    gathered: list[Callable[[], None]] = field(default_factory=list)
    outgoing: asyncio.Queue[list[pb.AgentFrame]] = field(default_factory=asyncio.Queue)
    """What is still to be said outlives the stream on which the task came: late words go to whoever listens then."""

    async def work(self, token: str) -> None:
        """Connect again and again, for ever."""
        while True:
            try:
                async with open_channel(self.agent.engine) as channel:
                    await self._stream(stubs.agent_work(channel).Connect(metadata=bearer(token)))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # refused, ended or broken: that is what we are for
            await pause(PAUSE_SECONDS)

    async def _stream(self, call: Any) -> None:
        hello = pb.Hello(agent_id=self.agent.agent_id, protocol_version=1)
        greeting = [pb.AgentFrame(hello=hello), pb.AgentFrame(credit=pb.Credit(slots=SLOTS))]
        await call.write(pb.ConnectRequest(frames=greeting))
        writing = self.group.create_task(self._write(call))
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                for frame in response.frames:
                    self._hear(frame)
        finally:
            writing.cancel()
            call.cancel()

    async def _write(self, call: Any) -> None:
        while True:
            frames = await self.outgoing.get()
            try:
                await call.write(pb.ConnectRequest(frames=frames))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # the reader hears of it too

    def _hear(self, frame: pb.EngineFrame) -> None:
        match frame.WhichOneof("frame"):
            case "ping":
                if asyncio.get_running_loop().time() >= self.mute_until:
                    self._say(pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce)))
            case "assign":
                self.group.create_task(self._do(frame.assign))
            case "result_ack":
                self._say(pb.AgentFrame(credit=pb.Credit(slots=SLOTS)))

    async def _do(self, task: pb.Assign) -> None:
        lie = json.loads(task.input)["lie"]
        accept = pb.AgentFrame(accept=pb.Accept(delivery=task.delivery))
        match lie:
            case "ignored":
                if task.delivery.attempt > 1:
                    self._say(accept, self._result(task))
                else:
                    self.agent.has_lied(lie)
            case "unaccepted":
                self.agent.has_lied(lie)
                self._say(self._result(task))
            case "twice":
                result = self._result(task)
                self._say(accept, result, result)
                self.agent.has_lied(lie)
                self._say(result)
            case "wrong_fence":
                self._say(accept, *self._wrong(task))
                await pause(PAUSE_SECONDS)
                self._say(self._result(task))
            case "late":
                self._say(accept)
                if task.failures >= LATE_TIMES_MAX:
                    self._say(self._result(task))
                    return
                self.mute_until = asyncio.get_running_loop().time() + LATE_SECONDS
                self.agent.has_lied(lie)
                await pause(LATE_SECONDS)
                self._say(self._result(task))
            case "tardy" if task.delivery.attempt > 1:
                self._say(accept)
                await pause(ACCEPT_SECONDS)
                self._say(self._result(task))
            case "tardy":
                # It says nothing until the task goes to another, of which its engine hears a moment later only.
                self.agent.has_lied(lie)
                await pause(ACCEPT_SECONDS + random.uniform(0.0, TARDY_SECONDS_MAX))
                self._say(self._result(task))
            case "reordered":
                self._say(accept)
                self.gathered.append(lambda: self._say(self._result(task)))
                await pause(GATHER_SECONDS)
                while self.gathered:  # the last comes first, and what it did comes after that it is done
                    self.gathered.pop()()
                progress = pb.Progress(delivery=task.delivery, percent=50, message="about to begin")
                self._say(pb.AgentFrame(progress=progress))
                self.agent.has_lied(lie)

    def _result(self, task: pb.Assign) -> pb.AgentFrame:
        output = self.agent.has_effect(task.delivery, task.workflow_id, task.step)
        return pb.AgentFrame(result=pb.Result(delivery=task.delivery, output=json.dumps(output).encode()))

    def _wrong(self, task: pb.Assign) -> list[pb.AgentFrame]:
        self.agent.has_lied("wrong_fence")
        told = task.delivery
        stranger = ids.show("lease", ids.new_uuid())
        wrong = [
            pb.Delivery(task_id=told.task_id, attempt=told.attempt, lease_id=stranger),
            pb.Delivery(task_id=told.task_id, attempt=told.attempt + 1, lease_id=told.lease_id),
            pb.Delivery(task_id=ids.show("task", ids.new_uuid()), attempt=1, lease_id=told.lease_id),
        ]
        output = json.dumps({"lie": True}).encode()
        return [pb.AgentFrame(result=pb.Result(delivery=each, output=output)) for each in wrong]

    def _say(self, *frames: pb.AgentFrame) -> None:
        self.outgoing.put_nowait(list(frames))


async def main() -> None:
    agent = RawAgent.from_environment()
    token = await agent.registered()
    say_ready()
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.keep_registered(token))
        await Liar(agent, group).work(token)


if __name__ == "__main__":
    asyncio.run(main())
