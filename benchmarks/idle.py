"""Streams that only answer pings, over a few connections, as gateways and sidecars bring those of many agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from archwright import stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.registry.v1.agent_registry_pb2 import RegisterAgentRequest
from benchmarks.mesh import Mesh

_CONNECTIONS = 4
_AT_ONCE = 50


@asynccontextmanager
async def streams(mesh: Mesh, count: int, agent_type: str) -> AsyncIterator[None]:
    """Hold so many streams, each of an agent of its own, until the end of the block."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(open_channel(mesh.registry, ca_file=mesh.ca_file))
        channels = [
            await stack.enter_async_context(open_channel(mesh.engines[0], ca_file=mesh.ca_file, is_shared=False))
            for _ in range(_CONNECTIONS)
        ]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        enrolment, some = bearer(mesh.token("enrolment", "enrolment")), asyncio.Semaphore(_AT_ONCE)
        answering: list[asyncio.Task[None]] = []
        welcomed = [asyncio.Event() for _ in range(count)]

        async def begin(number: int) -> None:
            agent_id = f"idle-{number}"
            async with some:
                request = RegisterAgentRequest(agent_id=agent_id, agent_type=agent_type)
                await stubs.agent_registry(registry).RegisterAgent(request, metadata=enrolment)
                shown = bearer(mesh.token(agent_id, "agent", agent_type=agent_type))
                call = stubs.agent_work(channels[number % _CONNECTIONS]).Connect(metadata=shown)
                answering.append(group.create_task(_answer(call, agent_id, welcomed[number])))
                await welcomed[number].wait()

        async with asyncio.TaskGroup() as beginning:
            for number in range(count):
                beginning.create_task(begin(number))
        try:
            yield
        finally:
            for each in answering:
                each.cancel()


async def _answer(call: Any, agent_id: str, welcomed: asyncio.Event) -> None:
    hello = pb.AgentFrame(hello=pb.Hello(agent_id=agent_id, protocol_version=1))
    await call.write(pb.ConnectRequest(frames=[hello, pb.AgentFrame(credit=pb.Credit(slots=1))]))
    try:
        while (response := await call.read()) is not grpc.aio.EOF:
            for frame in response.frames:
                if frame.HasField("welcome"):
                    welcomed.set()
                if frame.HasField("ping"):
                    pong = pb.AgentFrame(pong=pb.Pong(nonce=frame.ping.nonce))
                    await call.write(pb.ConnectRequest(frames=[pong]))
    finally:
        call.cancel()
