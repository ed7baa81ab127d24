"""A real Envoy before two real gRPC servers with TLS, one for the engine's services and one for the registry's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from running_envoy import RunningEnvoy, free_port

from archwright import asyncapi, errors
from archwright.engine.v1 import agent_work_pb2, artifacts_pb2, description_pb2, workflows_pb2
from archwright.local import certificates
from archwright.local.gateway_config import GatewayConfig, Upstream
from archwright.local.gateway_descriptors import descriptors
from archwright.openapi import document
from archwright.registry.v1 import agent_registry_pb2
from archwright.serving.calls import Call
from archwright.serving.pipeline import Served
from archwright.serving.server import Server, ServerTls
from archwright.serving.tokens import TokenSigner, TokenVerifier, jwks_of, new_key_pem

ISSUER, AUDIENCE = "archwright-test", "archwright"
WORKFLOW_ID = "wf_00000000000000000000000001"
EVENTS = 5

Headers = Mapping[str, str]


class Workflows:
    """Answers as the engine does, from memory, and remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.requests: list[Any] = []
        self.nobody_watches = asyncio.Event()
        self._pause_after: int | None = None
        self._go_on = asyncio.Event()
        self.lists_tasks = asyncio.Event()
        self.lists_tasks.set()

    @contextlib.contextmanager
    def paused_after(self, seq: int) -> Iterator[asyncio.Event]:
        """Hold the events after `seq` until the event that is handed out is set."""
        self._pause_after, self._go_on = seq, asyncio.Event()
        try:
            yield self._go_on
        finally:
            self._pause_after = None

    async def start_workflow(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        if request.definition_name != "greeting":
            raise errors.DefinitionNotFound.named(request.definition_name, known=["greeting"])
        return workflows_pb2.Workflow(
            workflow_id=WORKFLOW_ID,
            definition_name=request.definition_name,
            status=workflows_pb2.Workflow.PENDING,
            input=request.input,
        )

    async def get_workflow(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        if request.workflow_id != WORKFLOW_ID:
            raise errors.WorkflowNotFound.named(request.workflow_id)
        return workflows_pb2.Workflow(workflow_id=WORKFLOW_ID, status=workflows_pb2.Workflow.RUNNING, last_seq=7)

    async def list_workflows(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        return workflows_pb2.ListWorkflowsResponse(
            workflows=[workflows_pb2.Workflow(workflow_id=WORKFLOW_ID, status=workflows_pb2.Workflow.RUNNING)]
        )

    async def update_workflow_status(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        raise errors.TransitionIllegal(
            "The workflow has ended.", violations=[errors.Violation("status", "COMPLETED is terminal")]
        )

    async def cancel_workflow(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        return workflows_pb2.Workflow(workflow_id=request.workflow_id, status=workflows_pb2.Workflow.CANCELLED)

    async def list_history(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        return workflows_pb2.ListHistoryResponse()

    async def watch_workflow(self, request: Any, call: Call) -> AsyncIterator[Any]:
        self._note(request, call)
        for seq in range(request.after_seq + 1, EVENTS + 1):
            yield workflows_pb2.WatchWorkflowResponse(heartbeat=workflows_pb2.Heartbeat(last_seq=seq))

    async def watch_workflow_sse(self, request: Any, call: Call) -> AsyncIterator[Any]:
        self._note(request, call)
        if request.workflow_id != WORKFLOW_ID:
            raise errors.WorkflowNotFound.named(request.workflow_id)
        after_seq = int(call.metadata.get("last-event-id", request.after_seq))
        self.nobody_watches.clear()
        try:
            for seq in range(after_seq + 1, EVENTS + 1):
                yield HttpBody(content_type="text/event-stream", data=f"id: {seq}\ndata: {{}}\n\n".encode())
                if seq == self._pause_after:
                    await self._go_on.wait()
        finally:
            self.nobody_watches.set()

    async def get_task(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        raise errors.TaskNotFound.named(request.task_id)

    async def list_tasks(self, request: Any, call: Call) -> Any:
        self._note(request, call)
        await self.lists_tasks.wait()
        return workflows_pb2.ListTasksResponse()

    async def _unanswered(self, request: Any, call: Call) -> Any:
        raise errors.MethodUnknown("No test of the gateway asks for this.")

    start_workflows = pause_workflow = resume_workflow = retry_workflow = rerun_workflow = _unanswered
    signal_workflow = explain_workflow = _unanswered

    def _note(self, request: Any, call: Call) -> None:
        self.requests.append(request)
        self.calls.append(call)


class AgentWork:
    """Welcomes an agent and ends with its stream."""

    async def connect(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            for frame in request.frames:
                welcome = agent_work_pb2.Welcome(session_id=frame.hello.agent_id)
                yield agent_work_pb2.ConnectResponse(frames=[agent_work_pb2.EngineFrame(welcome=welcome)])

    async def _unanswered(self, request: Any, call: Call) -> Any:
        raise errors.MethodUnknown("No test of the gateway asks for this.")

    pull_tasks = accept_task = report_progress = submit_result = _unanswered


class Artifacts:
    """Counts what is put, and gives a file back in pieces."""

    async def put_artifact(self, requests: AsyncIterator[Any], call: Call) -> Any:
        size = 0
        async for request in requests:
            size += len(request.content)
        return artifacts_pb2.PutArtifactResponse(size_bytes=size)

    async def get_artifact(self, request: Any, call: Call) -> AsyncIterator[Any]:
        if request.name != "deliverables/requirements.json":
            raise errors.ArtifactNotFound.named(request.workflow_id, request.name)
        for piece in (b'{"a":', b" 1}"):
            yield HttpBody(content_type="application/json", data=piece)

    async def list_artifacts(self, request: Any, call: Call) -> Any:
        return artifacts_pb2.ListArtifactsResponse()


class Description:
    """Serves the document."""

    async def get_open_api(self, request: Any, call: Call) -> Any:
        return HttpBody(content_type="application/json", data=document())

    async def get_async_api(self, request: Any, call: Call) -> Any:
        return HttpBody(content_type="application/json", data=asyncapi.document())


class Registry:
    """Knows one agent."""

    async def register_agent(self, request: Any, call: Call) -> Any:
        return agent_registry_pb2.RegisterAgentResponse()

    async def heartbeat_agent(self, request: Any, call: Call) -> Any:
        return agent_registry_pb2.HeartbeatAgentResponse()

    async def deregister_agent(self, request: Any, call: Call) -> Any:
        return agent_registry_pb2.DeregisterAgentResponse()

    async def get_agent(self, request: Any, call: Call) -> Any:
        raise errors.AgentNotFound.named(request.agent_id)

    async def list_agents(self, request: Any, call: Call) -> Any:
        return agent_registry_pb2.ListAgentsResponse(agents=[agent_registry_pb2.Agent(agent_id="agent-1")])

    async def get_agent_health(self, request: Any, call: Call) -> Any:
        return agent_registry_pb2.AgentHealth(agent_id=request.agent_id, healthy=True)

    async def watch_agents(self, request: Any, call: Call) -> AsyncIterator[Any]:
        yield agent_registry_pb2.WatchAgentsResponse(snapshot_complete=agent_registry_pb2.SnapshotComplete())

    async def stream_heartbeats(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for _ in requests:
            yield agent_registry_pb2.StreamHeartbeatsResponse()

    async def _unanswered(self, request: Any, call: Call) -> Any:
        raise errors.MethodUnknown("No test of the gateway asks for this.")

    match_agents = set_agent_status = _unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json()["details"][0]["reason"])


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway, and what a caller needs to use it."""

    config: GatewayConfig
    ca_file: Path
    log_file: Path
    signer: TokenSigner
    workflows: Workflows

    @property
    def port(self) -> int:
        return int(self.config.listen.rpartition(":")[2])

    def token(self, *roles: str, ttl_seconds: float = 600) -> str:
        return self.signer.sign(subject="ann", tenant="acme", roles=list(roles), ttl_seconds=ttl_seconds)[0]

    def metadata(self, *roles: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token(*roles)}"),)

    def open(self, verb: str, path: str, body: Any = None, *, headers: dict[str, str]) -> HTTPSConnection:
        """Send a request and leave the answer to be read as it comes."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        connection.request(verb, path, body, headers, encode_chunked="transfer-encoding" in headers)
        return connection

    async def call(
        self, verb: str, path: str, body: Any = None, *, token: str | None = "", headers: Headers | None = None
    ) -> Answer:
        """Call as curl would.

        `token` "" stands for a good one, None for none at all; `body` is sent as it is when it is bytes.
        """
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("authorization", f"Bearer {token or self.token('admin')}")
        if body is not None:
            sent.setdefault("content-type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        # The servers share this loop, so it must be free while the answer is awaited.
        return await asyncio.to_thread(self._call, verb, path, body, sent)

    def _call(self, verb: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        with contextlib.closing(self.open(verb, path, body, headers=headers)) as connection:
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    async def negotiated(self, *protocols: str) -> tuple[str | None, str | None]:
        """Return the versions of TLS and of HTTP that a client offering `protocols` gets."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.set_alpn_protocols(list(protocols))
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname="localhost")
        try:
            tls = writer.get_extra_info("ssl_object")
            return tls.version(), tls.selected_alpn_protocol()
        finally:
            writer.close()
            await writer.wait_closed()

    def channel(self) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(self.ca_file.read_bytes())
        return grpc.aio.secure_channel(f"localhost:{self.port}", credentials)


@dataclass(frozen=True, slots=True)
class Keys:
    """Certificates and signing keys, as `archwright up` makes them."""

    certificates: certificates.Certificates
    signing_key_file: Path
    jwks_file: Path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    key_file, jwks_file = folder / "key.pem", folder / "jwks.json"
    key_file.write_bytes(new_key_pem())
    jwks_file.write_text(jwks_of(key_file.read_bytes()))
    return Keys(certificates.ensure(folder, datetime.fromtimestamp(time.time(), UTC)), key_file, jwks_file)


@pytest.fixture(scope="session")
def make_config(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], GatewayConfig]:
    """Return a maker of configurations with these keys, for upstreams at the given ports."""
    descriptors_file = tmp_path_factory.mktemp("contract") / "descriptors.binpb"
    descriptors_file.write_bytes(descriptors())

    def make(engine_port: int, registry_port: int) -> GatewayConfig:
        files = keys.certificates
        return GatewayConfig(
            listen=f"127.0.0.1:{free_port()}",
            admin=f"127.0.0.1:{free_port()}",
            tls_cert_file=str(files.server_file),
            tls_key_file=str(files.server_key_file),
            jwks_file=str(keys.jwks_file),
            token_issuer=ISSUER,
            token_audience=AUDIENCE,
            descriptors_file=str(descriptors_file),
            engine=Upstream((f"127.0.0.1:{engine_port}",), str(files.ca_file)),
            registry=Upstream((f"127.0.0.1:{registry_port}",), str(files.ca_file)),
            realtime=Upstream((f"127.0.0.1:{registry_port}",), str(files.ca_file)),
        )

    return make


StartGateway = Callable[[GatewayConfig, Workflows], AbstractAsyncContextManager[Gateway]]


@pytest.fixture(scope="session")
def start_gateway(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> StartGateway:
    """Return what runs a gateway of the given configuration."""

    @contextlib.asynccontextmanager
    async def start(config: GatewayConfig, workflows: Workflows) -> AsyncIterator[Gateway]:
        envoy = RunningEnvoy(config, tmp_path_factory.mktemp("gateway"))
        try:
            await envoy.wait_ready()
            signer = TokenSigner(keys.signing_key_file, ISSUER, AUDIENCE)
            yield Gateway(config, keys.certificates.ca_file, envoy.log_file, signer, workflows)
        finally:
            await envoy.stop()

    return start


@pytest.fixture(scope="session")
def make_registry(keys: Keys) -> Callable[[int], Server]:
    """Return a maker of registries that will listen on the given port."""

    def make(port: int) -> Server:
        return _server(keys, port, _served(agent_registry_pb2, "AgentRegistryService", Registry()))

    return make


@pytest.fixture(scope="session")
async def gateway(
    keys: Keys,
    make_config: Callable[[int, int], GatewayConfig],
    start_gateway: StartGateway,
    make_registry: Callable[[int], Server],
) -> AsyncIterator[Gateway]:
    workflows = Workflows()
    engine = _server(
        keys,
        0,
        _served(workflows_pb2, "WorkflowService", workflows),
        _served(agent_work_pb2, "AgentWorkService", AgentWork()),
        _served(artifacts_pb2, "ArtifactService", Artifacts()),
        _served(description_pb2, "DescriptionService", Description()),
    )
    registry = make_registry(0)
    config = make_config(await engine.start(), await registry.start())
    await engine.set_ready(True)
    await registry.set_ready(True)
    try:
        async with start_gateway(config, workflows) as running:
            yield running
    finally:
        await engine.stop(0)
        await registry.stop(0)


def _served(module: Any, name: str, servicer: object) -> Served:
    return Served(module.DESCRIPTOR.services_by_name[name], servicer)


def _server(keys: Keys, port: int, *services: Served) -> Server:
    files = keys.certificates
    verifier = TokenVerifier(keys.jwks_file, ISSUER, AUDIENCE)
    return Server(f"127.0.0.1:{port}", ServerTls(files.server_file, files.server_key_file), verifier, services)
