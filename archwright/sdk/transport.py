"""The engine over gRPC: streams of frames, files, and errors of ours where either breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

import grpc

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.agent_work_pb2 import ConnectRequest, ConnectResponse
from archwright.sdk import artifacts, wire
from archwright.sdk.frames import AgentFrame, EngineFrame
from archwright.sdk.replicas import Replicas

_Call: TypeAlias = grpc.aio.StreamStreamCall[ConnectRequest, ConnectResponse]


class Stream(Protocol):
    """One open stream to the engine."""

    async def read(self) -> tuple[EngineFrame, ...] | None:
        """Return the frames of the next message, or None at the end of the stream; raises ArchwrightError."""
        ...

    async def write(self, frames: Iterable[AgentFrame]) -> bool:
        """Send the frames, and say whether the stream still took them. Why it did not, `read` tells."""
        ...


class Engine(Protocol):
    """The engine as a worker needs it."""

    def stream(self) -> AbstractAsyncContextManager[Stream]:
        """Open a stream, to another replica than the one before where there are several, and end it after use."""
        ...

    async def put_artifact(self, workflow_id: str, content: bytes, media_type: str) -> str:
        """Put a file into the store and return its SHA-256."""
        ...

    async def get_artifact(self, workflow_id: str, name: str) -> bytes:
        """Return a file of a workflow that the agent holds a task of."""
        ...


class GrpcEngine:
    """The engine's replicas."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas

    @contextlib.asynccontextmanager
    async def stream(self) -> AsyncIterator[Stream]:
        """Open a stream over a connection of its own, and end both whatever happens: a call that is dropped leaks."""
        await self._replicas.look_up()
        place = self._replicas.present
        connection = self._replicas.open(place)
        call = stubs.agent_work(connection.channel).Connect(metadata=connection.metadata())
        try:
            yield _GrpcStream(call, connection)
        finally:
            call.cancel()
            await connection.aclose()
            self._replicas.leave(place)

    async def put_artifact(self, workflow_id: str, content: bytes, media_type: str) -> str:
        """Put a file into the store and return its SHA-256."""
        return await artifacts.put(self._replicas, workflow_id, content, media_type)

    async def get_artifact(self, workflow_id: str, name: str) -> bytes:
        """Return a file of a workflow that the agent holds a task of."""
        return await artifacts.get(self._replicas, workflow_id, name)


class _GrpcStream:
    def __init__(self, call: _Call, connection: Connection) -> None:
        self._call = call
        self._connection = connection

    async def read(self) -> tuple[EngineFrame, ...] | None:
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as broken:
            raise self._connection.error_of(broken) from broken
        return wire.decode(message) if isinstance(message, ConnectResponse) else None

    async def write(self, frames: Iterable[AgentFrame]) -> bool:
        try:
            for message in wire.messages(frames):
                await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return False
        return True
