"""An agent that never gives up: whatever happened meanwhile, it says its results, and under its old leases.

What the engine answers is counted on standard output, one word a line.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import grpc

from archwright import Agent, stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.pacing import rest
from archwright.sdk import settings as agent_settings
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas

_PAUSE_SECONDS = 0.05
_SLOTS = 4


class Zombie:
    """One agent over all its streams."""

    def __init__(self, agent_id: str, seconds: float, group: asyncio.TaskGroup) -> None:
        self._agent_id = agent_id
        self._seconds = seconds
        self._group = group
        self._unsaid: asyncio.Queue[pb.AgentFrame] = asyncio.Queue()

    async def work(self, call: Any) -> None:
        """Take tasks from a stream until it breaks."""
        credit = pb.AgentFrame(credit=pb.Credit(slots=_SLOTS))
        hello = pb.AgentFrame(hello=pb.Hello(agent_id=self._agent_id, protocol_version=1))
        await call.write(pb.ConnectRequest(frames=[hello, credit]))
        speaking: asyncio.Task[None] | None = None
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                for frame in response.frames:
                    match frame.WhichOneof("frame"):
                        case "welcome":
                            speaking = self._group.create_task(self._speak(call))
                        case "ping":
                            self._unsaid.put_nowait(pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce)))
                        case "assign":
                            self._group.create_task(self._do(frame.assign))
                        case "result_ack":
                            print(pb.ResultAck.Outcome.Name(frame.result_ack.outcome), flush=True)
                            self._unsaid.put_nowait(pb.AgentFrame(credit=pb.Credit(slots=1)))
        finally:
            if speaking is not None:
                speaking.cancel()
            call.cancel()

    async def _do(self, task: pb.Assign) -> None:
        self._unsaid.put_nowait(pb.AgentFrame(accept=pb.Accept(delivery=task.delivery)))
        await rest(self._seconds)
        self._unsaid.put_nowait(pb.AgentFrame(result=pb.Result(delivery=task.delivery, output=b"{}")))

    async def _speak(self, call: Any) -> None:
        while True:
            frame = await self._unsaid.get()
            try:
                await call.write(pb.ConnectRequest(frames=[frame]))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                self._unsaid.put_nowait(frame)  # to be said on the next stream
                return


async def main() -> None:
    """Work for as long as the process lives."""
    told = os.environ
    settings = agent_settings.load()
    registry = Replicas(settings.registry, token=settings.read_enrolment_token, ca_file=settings.ca_file)
    membership = Registration(Agent("zombie", max_concurrent_tasks=_SLOTS), told["BENCHMARK_NAME"], registry)
    await membership.obtain(asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(membership.keep(lambda: 0, is_draining=lambda: False))
        zombie = Zombie(told["BENCHMARK_NAME"], float(told["BENCHMARK_SECONDS"]), group)
        while True:
            try:
                async with open_channel(settings.engine, ca_file=settings.ca_file, is_shared=False) as channel:
                    await zombie.work(stubs.agent_work(channel).Connect(metadata=bearer(membership.token)))
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # the stream broke, as it should while we were frozen
            await rest(_PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
