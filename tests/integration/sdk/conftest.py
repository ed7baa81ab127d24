"""A scripted peer: the engine's and the registry's side of the contracts, on a real grpc.aio server.

It has no rules of its own. A test reads what the agent said and says what the engine would, frame by frame.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import pytest

from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.engine.v1 import agent_work_pb2_grpc, artifacts_pb2, artifacts_pb2_grpc
from archwright.registry.v1 import agent_registry_pb2, agent_registry_pb2_grpc

PATIENCE_SECONDS = 15.0


@dataclass
class Dialogue:
    """One stream, from the engine's side."""

    metadata: dict[str, str]
    peer: str
    heard: asyncio.Queue[pb.AgentFrame] = field(default_factory=asyncio.Queue)
    messages: list[pb.ConnectRequest] = field(default_factory=list)
    to_say: asyncio.Queue[pb.ConnectResponse | None] = field(default_factory=asyncio.Queue)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def hears(self, kind: str) -> pb.AgentFrame:
        """Return the agent's next frame of this kind, dropping the others."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = await self.heard.get()
                if frame.WhichOneof("frame") == kind:
                    return frame

    def says(self, *frames: pb.EngineFrame) -> None:
        self.to_say.put_nowait(pb.ConnectResponse(frames=frames))

    def welcomes(self, ping_seconds: float = 3.0, lease_seconds: float = 15.0, **what: list[pb.Delivery]) -> None:
        welcome = pb.Welcome(session_id="session_1", **what)
        welcome.ping_interval.FromNanoseconds(int(ping_seconds * 1e9))
        welcome.lease_ttl.FromNanoseconds(int(lease_seconds * 1e9))
        self.says(pb.EngineFrame(welcome=welcome))

    def ends(self) -> None:
        self.to_say.put_nowait(None)


class ScriptedEngine(
    agent_work_pb2_grpc.AgentWorkServiceServicer,
    artifacts_pb2_grpc.ArtifactServiceServicer,
    agent_registry_pb2_grpc.AgentRegistryServiceServicer,
):
    """Hands every stream to the test, keeps files, and registers whoever comes."""

    def __init__(self) -> None:
        self.address = ""
        self.streams: asyncio.Queue[Dialogue] = asyncio.Queue()
        self.files: dict[str, bytes] = {}
        self.registered: list[agent_registry_pb2.RegisterAgentRequest] = []
        self.heartbeats: list[agent_registry_pb2.HeartbeatAgentRequest] = []
        self.deregistered: list[str] = []
        self.token_seconds = 3600.0
        self.renewed = asyncio.Event()
        self.saw_load = asyncio.Event()

    async def next_stream(self) -> Dialogue:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.streams.get()

    async def Connect(self, request_iterator, context):  # noqa: N802 - the generated servicer's names
        dialogue = Dialogue({key: str(value) for key, value in context.invocation_metadata()}, context.peer())
        self.streams.put_nowait(dialogue)

        async def listen() -> None:
            async for message in request_iterator:
                dialogue.messages.append(message)
                for frame in message.frames:
                    dialogue.heard.put_nowait(frame)
            dialogue.ends()

        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(listen())
                while (message := await dialogue.to_say.get()) is not None:
                    await context.write(message)
                listening.cancel()
        finally:
            dialogue.over.set()

    async def PutArtifact(self, request_iterator, context):  # noqa: N802
        content, header = b"", None
        async for request in request_iterator:
            if request.WhichOneof("part") == "header":
                header = request.header
            else:
                content += request.content
        assert header is not None
        self.files[header.sha256] = content
        return artifacts_pb2.PutArtifactResponse(sha256=header.sha256, size_bytes=len(content))

    async def RegisterAgent(self, request, context):  # noqa: N802
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        if metadata.get("authorization") == "Bearer junk":
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is malformed.")
        if metadata.get("authorization") != "Bearer enrol-me":
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "The token is no enrolment token.")
        self.registered.append(request)
        if len(self.registered) > 1:
            self.renewed.set()
        response = agent_registry_pb2.RegisterAgentResponse(token=f"token-{len(self.registered)}")
        response.agent.agent_id = request.agent_id
        response.token_expires_at.FromNanoseconds(int((time.time() + self.token_seconds) * 1e9))
        response.heartbeat_interval.FromMilliseconds(100)
        return response

    async def HeartbeatAgent(self, request, context):  # noqa: N802
        self.heartbeats.append(request)
        if request.current_task_count:
            self.saw_load.set()
        response = agent_registry_pb2.HeartbeatAgentResponse()
        response.heartbeat_interval.FromMilliseconds(100)
        return response

    async def DeregisterAgent(self, request, context):  # noqa: N802
        self.deregistered.append(request.agent_id)
        return agent_registry_pb2.DeregisterAgentResponse()


async def serve(engine: ScriptedEngine, port: int = 0) -> grpc.aio.Server:
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    agent_work_pb2_grpc.add_AgentWorkServiceServicer_to_server(engine, server)
    artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server(engine, server)
    agent_registry_pb2_grpc.add_AgentRegistryServiceServicer_to_server(engine, server)
    engine.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    return server


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    scripted = ScriptedEngine()
    server = await serve(scripted)
    yield scripted
    await server.stop(None)
