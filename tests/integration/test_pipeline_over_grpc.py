"""The pipeline behind a real server: what callers get who do it right, and who do not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from archwright import errors
from archwright.engine.v1 import (
    agent_work_pb2,
    agent_work_pb2_grpc,
    artifacts_pb2,
    artifacts_pb2_grpc,
    workflows_pb2,
    workflows_pb2_grpc,
)
from archwright.payloads import from_struct
from archwright.serving import pipeline
from archwright.serving.pipeline import Call, Served
from archwright.serving.server import Server
from archwright.serving.status import from_rpc_error
from archwright.serving.tokens import TokenSigner, TokenVerifier, jwks_of, new_key_pem

WORKFLOWS = workflows_pb2.DESCRIPTOR.services_by_name["WorkflowService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]


class Echo:
    """Answers every method of the engine with something that shows what reached it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ended = asyncio.Event()
        self.flooded = 0

    async def start_workflow(self, request: workflows_pb2.StartWorkflowRequest, call: Call) -> workflows_pb2.Workflow:
        self.calls.append(call)
        from_struct(request.input, root="input")
        return workflows_pb2.Workflow(workflow_id=call.caller.tenant)

    async def get_workflow(self, request: workflows_pb2.GetWorkflowRequest, _: Call) -> workflows_pb2.Workflow:
        match request.workflow_id:
            case "secret":
                raise RuntimeError("the password is swordfish")
            case "grouped":
                async with asyncio.TaskGroup():
                    raise errors.WorkflowNotFound.named("grouped")
            case "slow":
                await asyncio.Event().wait()
        raise errors.WorkflowNotFound.named(request.workflow_id)

    async def watch_workflow(
        self, request: workflows_pb2.WatchWorkflowRequest, _: Call
    ) -> AsyncGenerator[workflows_pb2.WatchWorkflowResponse, None]:
        try:
            for seq in range(1, 4):
                yield workflows_pb2.WatchWorkflowResponse(heartbeat=workflows_pb2.Heartbeat(last_seq=seq))
            while request.workflow_id == "flood":
                self.flooded += 1
                progress = workflows_pb2.TaskProgress(message="x" * 60_000)
                yield workflows_pb2.WatchWorkflowResponse(progress=progress)
            if request.workflow_id == "breaks":
                raise errors.WorkflowNotFound.named("breaks")
            if request.workflow_id == "endless":
                await asyncio.Event().wait()
        finally:
            self.ended.set()


class EchoAgents:
    async def connect(
        self, requests: AsyncIterator[agent_work_pb2.ConnectRequest], call: Call
    ) -> AsyncGenerator[agent_work_pb2.ConnectResponse, None]:
        async for request in requests:
            for _ in request.frames:
                yield agent_work_pb2.ConnectResponse(frames=[agent_work_pb2.EngineFrame()])


class EchoArtifacts:
    async def put_artifact(
        self, requests: AsyncIterator[artifacts_pb2.PutArtifactRequest], _: Call
    ) -> artifacts_pb2.PutArtifactResponse:
        return artifacts_pb2.PutArtifactResponse(sha256=str(len([request async for request in requests])))


def served(module: ModuleType, name: str, servicer: object) -> Served:
    """Serve the methods that the servicer has; the others refuse."""
    descriptor: ServiceDescriptor = module.DESCRIPTOR.services_by_name[name]

    async def refuse(*_: object) -> None:
        raise errors.MethodUnknown("not in this test")

    async def refuse_stream(*_: object) -> AsyncGenerator[None, None]:
        raise errors.MethodUnknown("not in this test")
        yield

    for method in descriptor.methods:
        answer = refuse_stream if method.server_streaming else refuse
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower()
        if not hasattr(servicer, snake):
            setattr(servicer, snake, answer)
    return Served(descriptor, servicer)


@dataclass
class Scene:
    """A server, a channel to it, and tokens for it."""

    channel: grpc.aio.Channel
    server: Server
    echo: Echo
    sign: Callable[..., str]

    @property
    def workflows(self) -> workflows_pb2_grpc.WorkflowServiceStub:
        return workflows_pb2_grpc.WorkflowServiceStub(self.channel)

    def as_role(self, *roles: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.sign(*roles)}"),)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    pem = new_key_pem()
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "jwks.json").write_text(jwks_of(pem))
    signer = TokenSigner(tmp_path / "key.pem", "test", "archwright")

    def sign(*roles: str) -> str:
        return signer.sign(subject="ada", tenant="acme", roles=list(roles), ttl_seconds=60)[0]

    echo = Echo()
    services = [
        served(workflows_pb2, "WorkflowService", echo),
        served(agent_work_pb2, "AgentWorkService", EchoAgents()),
        served(artifacts_pb2, "ArtifactService", EchoArtifacts()),
    ]
    verifier = TokenVerifier(tmp_path / "jwks.json", "test", "archwright")
    server = Server("127.0.0.1:0", None, verifier, services)
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Scene(channel, server, echo, sign)
    await server.stop(0)


async def refusal_of(call: grpc.aio.UnaryUnaryCall) -> errors.ArchwrightError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return from_rpc_error(refused.value)


async def test_a_call_reaches_the_servicer_with_its_caller(scene: Scene) -> None:
    metadata = (*scene.as_role("operator"), ("idempotency-key", "k1"))

    answer = await scene.workflows.StartWorkflow(workflows_pb2.StartWorkflowRequest(), metadata=metadata, timeout=30)

    call = scene.echo.calls[0]
    assert answer.workflow_id == "acme"
    assert (call.caller.subject, call.request_id, call.ip_address) == ("ada", "k1", "127.0.0.1")
    assert call.user_agent.startswith("grpc-python")
    assert call.method == "/archwright.engine.v1.WorkflowService/StartWorkflow"
    # The wire rounds a time-out up to tenths of a second.
    assert 0 < (call.time_remaining() or 0) <= 30.1
    assert "authorization" not in call.metadata


async def test_a_call_without_a_token_is_refused(scene: Scene) -> None:
    assert isinstance(
        await refusal_of(scene.workflows.GetWorkflow(workflows_pb2.GetWorkflowRequest())), errors.TokenMissing
    )


@pytest.mark.parametrize("header", ["Bearer", "Basic YTpi", "Bearer x.y.z", ""])
async def test_a_malformed_token_is_refused(scene: Scene, header: str) -> None:
    metadata = (("authorization", header),)

    refusal = await refusal_of(scene.workflows.GetWorkflow(workflows_pb2.GetWorkflowRequest(), metadata=metadata))

    assert isinstance(refusal, errors.TokenInvalid)


async def test_a_role_that_may_not_call_is_refused_and_told_which_may(scene: Scene) -> None:
    refusal = await refusal_of(
        scene.workflows.StartWorkflow(workflows_pb2.StartWorkflowRequest(), metadata=scene.as_role("viewer"))
    )

    assert isinstance(refusal, errors.RoleDenied)
    assert refusal.facts["roles"] == "admin,operator"
    assert scene.echo.calls == []


@pytest.mark.parametrize("depth", [17, 32, 60, 400])
async def test_a_struct_that_is_nested_too_deep_is_the_callers_mistake(scene: Scene, depth: int) -> None:
    number = workflows_pb2.StartWorkflowRequest.DESCRIPTOR.fields_by_name["input"].number
    raw = length_delimited(number, deep_struct(depth))
    start = scene.channel.unary_unary("/archwright.engine.v1.WorkflowService/StartWorkflow")

    refusal = await refusal_of(start(raw, metadata=scene.as_role("operator")))

    assert isinstance(refusal, errors.PayloadInvalid)
    assert "nested" in refusal.message


async def test_bytes_that_are_no_message_are_the_callers_mistake(scene: Scene) -> None:
    start = scene.channel.unary_unary("/archwright.engine.v1.WorkflowService/StartWorkflow")

    refusal = await refusal_of(start(b"\xff\xff\xff", metadata=scene.as_role("operator")))

    assert isinstance(refusal, errors.PayloadInvalid)


async def test_an_unforeseen_fault_is_masked_and_logged_under_its_id(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = await refusal_of(
        scene.workflows.GetWorkflow(
            workflows_pb2.GetWorkflowRequest(workflow_id="secret"), metadata=scene.as_role("viewer")
        )
    )
    logged = capsys.readouterr()

    assert isinstance(refusal, errors.InternalFault)
    assert "swordfish" not in refusal.message
    assert refusal.facts["fault_id"] in refusal.message
    assert refusal.facts["fault_id"] in logged.out + logged.err


@pytest.mark.parametrize("workflow_id", ["wf_1", "grouped"])
async def test_an_error_of_ours_reaches_the_caller_whole(scene: Scene, workflow_id: str) -> None:
    refusal = await refusal_of(
        scene.workflows.GetWorkflow(
            workflows_pb2.GetWorkflowRequest(workflow_id=workflow_id), metadata=scene.as_role("viewer")
        )
    )

    assert isinstance(refusal, errors.WorkflowNotFound)
    assert refusal.facts == {"workflow_id": workflow_id}


async def test_a_call_that_takes_too_long_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "UNARY_SECONDS_MAX", 0.05)

    refusal = await refusal_of(
        scene.workflows.GetWorkflow(
            workflows_pb2.GetWorkflowRequest(workflow_id="slow"), metadata=scene.as_role("viewer")
        )
    )

    assert isinstance(refusal, errors.DeadlinePassed)


async def test_a_stream_of_answers_ends_well_or_with_an_error(scene: Scene) -> None:
    stream = scene.workflows.WatchWorkflow(
        workflows_pb2.WatchWorkflowRequest(workflow_id="breaks"), metadata=scene.as_role("viewer")
    )

    told = [(await stream.read()).heartbeat.last_seq for _ in range(3)]
    with pytest.raises(grpc.aio.AioRpcError) as broken:
        await stream.read()

    assert told == [1, 2, 3]
    assert isinstance(from_rpc_error(broken.value), errors.WorkflowNotFound)


async def test_a_watcher_that_leaves_ends_the_servicers_generator(scene: Scene) -> None:
    stream = scene.workflows.WatchWorkflow(
        workflows_pb2.WatchWorkflowRequest(workflow_id="endless"), metadata=scene.as_role("viewer")
    )
    await stream.read()

    stream.cancel()

    async with asyncio.timeout(5):
        await scene.echo.ended.wait()


async def test_both_directions_stream_at_once(scene: Scene) -> None:
    agents = agent_work_pb2_grpc.AgentWorkServiceStub(scene.channel)
    stream = agents.Connect(metadata=scene.as_role("agent"))
    frame = agent_work_pb2.AgentFrame()

    for count in (1, 2):
        await stream.write(agent_work_pb2.ConnectRequest(frames=[frame] * count))
        for _ in range(count):
            assert len((await stream.read()).frames) == 1
    await stream.done_writing()

    assert await stream.read() is grpc.aio.EOF
    assert await stream.code() is grpc.StatusCode.OK


async def test_a_message_of_a_stream_that_is_no_message_ends_it(scene: Scene) -> None:
    connect = scene.channel.stream_stream("/archwright.engine.v1.AgentWorkService/Connect")
    stream = connect(metadata=scene.as_role("agent"))
    await stream.write(b"\xff\xff\xff")

    with pytest.raises(grpc.aio.AioRpcError) as broken:
        await stream.read()

    assert isinstance(from_rpc_error(broken.value), errors.PayloadInvalid)


async def test_a_client_may_stream_its_request(scene: Scene) -> None:
    artifacts = artifacts_pb2_grpc.ArtifactServiceStub(scene.channel)
    chunks = (artifacts_pb2.PutArtifactRequest() for _ in range(5))

    answer = await artifacts.PutArtifact(chunks, metadata=scene.as_role("agent"))

    assert answer.sha256 == "5"


async def test_a_method_that_nobody_answers_is_unknown(scene: Scene) -> None:
    refusal = await refusal_of(scene.channel.unary_unary("/archwright.engine.v1.WorkflowService/Explode")(b""))

    assert isinstance(refusal, errors.MethodUnknown)


async def test_health_says_serving_only_while_ready(scene: Scene) -> None:
    health = health_pb2_grpc.HealthStub(scene.channel)
    statuses = []
    for ready in (False, True, False):
        await scene.server.set_ready(ready)
        statuses.append((await health.Check(health_pb2.HealthCheckRequest())).status)

    serving = health_pb2.HealthCheckResponse
    assert statuses == [serving.NOT_SERVING, serving.SERVING, serving.NOT_SERVING]


async def test_reflection_is_open_and_lists_every_service(scene: Scene) -> None:
    async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    answers = reflection_pb2_grpc.ServerReflectionStub(scene.channel).ServerReflectionInfo(asked())
    names = [service.name async for answer in answers for service in answer.list_services_response.service]

    assert "archwright.engine.v1.WorkflowService" in names
    assert "grpc.health.v1.Health" in names


async def test_a_taken_address_is_said_to_be_taken(scene: Scene) -> None:
    second = Server("127.0.0.1:1x", None, object(), [])

    with pytest.raises(OSError, match=r"127\.0\.0\.1:1x"):
        await second.start()


def test_a_servicer_that_lacks_a_method_is_refused() -> None:
    class Incomplete:
        async def start_workflow(self, request: object, call: Call) -> None: ...

    with pytest.raises(ValueError, match="`start_workflows`"):
        Server("127.0.0.1:0", None, object(), [Served(WORKFLOWS, Incomplete())])


def test_a_method_without_an_access_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="has no access rule"):
        Server("127.0.0.1:0", None, object(), [Served(HEALTH, object())])


def deep_struct(depth: int) -> bytes:
    """Return the bytes of a Struct of this depth, made by hand: the library would not go so deep."""
    value = length_delimited(3, b"x")  # Value{string_value: "x"}
    struct = b""
    for _ in range(depth):
        entry = length_delimited(1, b"a") + length_delimited(2, value)
        struct = length_delimited(1, entry)  # Struct{fields: {"a": value}}
        value = length_delimited(5, struct)  # Value{struct_value: struct}
    return struct


def length_delimited(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


async def test_a_caller_who_never_reads_is_left_with_a_reason(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "WRITE_SECONDS_MAX", 0.3)
    monkeypatch.setattr(pipeline, "FAREWELL_SECONDS_MAX", 0.3)
    request = workflows_pb2.WatchWorkflowRequest(workflow_id="flood")
    call = scene.workflows.WatchWorkflow(request, metadata=scene.as_role("viewer"))

    async with asyncio.timeout(20):
        await scene.echo.ended.wait()

    sent = scene.echo.flooded

    async def read_all() -> None:
        while await call.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as left:
        await asyncio.wait_for(read_all(), 20)
    assert from_rpc_error(left.value).reason == "DEADLINE_PASSED"
    assert "has read nothing for 0.3 s" in from_rpc_error(left.value).message
    assert sent * 60_000 < 32 << 20, "what nobody reads is not heaped up"
