"""The agents' stream over gRPC: frames in, frames out, and errors of ours where it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias

import grpc

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.agent_work_pb2 import ConnectRequest, ConnectResponse
from archwright.sdk import wire
from archwright.sdk.frames import AgentFrame, EngineFrame

_Call: TypeAlias = grpc.aio.StreamStreamCall[ConnectRequest, ConnectResponse]


class WorkStream:
    """One open stream to the engine."""

    def __init__(self, call: _Call, connection: Connection) -> None:
        self._call = call
        self._connection = connection

    async def read(self) -> tuple[EngineFrame, ...] | None:
        """Return the frames of the next message, or None at the end of the stream; raises ArchwrightError."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as broken:
            raise self._connection.error_of(broken) from broken
        return wire.decode(message) if isinstance(message, ConnectResponse) else None

    async def write(self, frames: Iterable[AgentFrame]) -> bool:
        """Send the frames, and say whether the stream still took them. Why it did not, `read` tells."""
        try:
            for message in wire.messages(frames):
                await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return False
        return True


@contextlib.asynccontextmanager
async def open_stream(connection: Connection) -> AsyncIterator[WorkStream]:
    """Open a stream, and end it whatever happens: a call that is dropped and not cancelled leaks."""
    call = stubs.agent_work(connection.channel).Connect(metadata=connection.metadata())
    try:
        yield WorkStream(call, connection)
    finally:
        call.cancel()
