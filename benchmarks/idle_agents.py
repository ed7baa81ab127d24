"""Agents that have nothing to do, all in this process: each holds a stream, grants credit, and answers every Ping.

They come back as Archwright's agents do, after a pause of full jitter. Whether they share a connection makes the
difference in what a stream costs the engine: behind the gateway they do, beside it each has its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from archwright import stubs
from archwright.channel import bearer, open_channel
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.pacing import Backoff, rest
from archwright.sdk.worker import BACKOFF_SECONDS_MAX, SPREAD_SECONDS
from benchmarks.mesh import Mesh

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 120.0
_AT_ONCE = 20


@dataclass(slots=True)
class IdleAgents:
    """Agents that come and stay. `is_sharing` is whether they all use one connection."""

    mesh: Mesh
    is_sharing: bool
    _group: asyncio.TaskGroup
    _shared: grpc.aio.Channel
    _connected: set[str] = field(default_factory=set)
    _staying: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def connected(self) -> int:
        """How many have been welcomed on a stream that has not ended since, by all they know."""
        return len(self._connected)

    async def come(self, tokens: Mapping[str, str]) -> None:
        """Have these agents connect, a handful at a time, and return once all are welcomed."""
        names: Sequence[str] = list(tokens)
        before = len(self._staying)
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            self._staying += [self._group.create_task(self._stay(name, tokens[name])) for name in some]
            await self.until(lambda: self.connected == len(self._staying), "the agents that came are welcomed")
        assert len(self._staying) == before + len(names)

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so of these agents; raises TimeoutError that says what."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not is_so():
                    await rest(_LOOK_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"After {_PATIENCE_SECONDS:g} s it is still not so that {what}.") from None

    def leave(self) -> None:
        """Have all of them go."""
        for staying in self._staying:
            staying.cancel()

    async def _stay(self, agent_id: str, token: str) -> None:
        backoff = Backoff(base_seconds=SPREAD_SECONDS, seconds_max=BACKOFF_SECONDS_MAX)
        while True:
            channel = self._shared if self.is_sharing else self._channel(is_shared=False)
            call = stubs.agent_work(channel).Connect(metadata=bearer(token))
            try:
                await call.write(_hello(agent_id))
                while isinstance(message := await call.read(), pb.ConnectResponse):
                    for frame in message.frames:
                        if frame.HasField("ping"):
                            await call.write(_pong(frame.ping.nonce))
                        elif frame.HasField("welcome"):
                            self._connected.add(agent_id)
                            backoff.reset()
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # it broke: that is what the pause is for
            finally:
                self._connected.discard(agent_id)
                call.cancel()
                if not self.is_sharing:
                    await channel.close()
            await rest(backoff.next_pause())

    def _channel(self, *, is_shared: bool) -> grpc.aio.Channel:
        return open_channel(self.mesh.engines[0], ca_file=self.mesh.ca_file, is_shared=is_shared)


@asynccontextmanager
async def idle_agents(mesh: Mesh, *, is_sharing: bool) -> AsyncIterator[IdleAgents]:
    """Give agents that go at the end of the block."""
    shared = open_channel(mesh.engines[0], ca_file=mesh.ca_file, is_shared=False)
    try:
        async with asyncio.TaskGroup() as group:
            agents = IdleAgents(mesh, is_sharing, group, shared)
            try:
                yield agents
            finally:
                agents.leave()
    finally:
        await shared.close()


def _hello(agent_id: str) -> pb.ConnectRequest:
    hello = pb.AgentFrame(hello=pb.Hello(agent_id=agent_id, protocol_version=1))
    return pb.ConnectRequest(frames=[hello, pb.AgentFrame(credit=pb.Credit(slots=1))])


def _pong(nonce: int) -> pb.ConnectRequest:
    return pb.ConnectRequest(frames=[pb.AgentFrame(pong=pb.Pong(nonce=nonce))])
