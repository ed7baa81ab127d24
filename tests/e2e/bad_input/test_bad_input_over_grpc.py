"""What is wrong, asked over gRPC: at the gateway, and at the service behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from archwright import stubs
from archwright.channel import open_channel
from archwright.engine.v1 import agent_work_pb2 as work
from archwright.engine.v1 import artifacts_pb2 as artifacts
from archwright.engine.v1 import definitions_pb2 as definitions
from archwright.engine.v1 import workflows_pb2 as workflows
from archwright.errors import ArchwrightError
from archwright.registry.v1 import agent_registry_pb2 as registry
from archwright.serving.status import from_rpc_error

NOWHERE = "wf_01k00000000000000000000000"
BUILT_IN = "architecture_creation"
MIB = 1 << 20
CALL_SECONDS_MAX = 20.0

Code = grpc.StatusCode


def started(given: dict[str, Any], definition: str = BUILT_IN, version: str = "") -> workflows.StartWorkflowRequest:
    struct = Struct()
    struct.update(given)
    return workflows.StartWorkflowRequest(definition_name=definition, definition_version=version, input=struct)


def nested(depth: int) -> workflows.StartWorkflowRequest:
    request = workflows.StartWorkflowRequest(definition_name=BUILT_IN)
    struct = request.input
    for _ in range(depth - 1):
        struct = struct.fields["a"].struct_value
    struct.fields["a"].number_value = 1
    return request


def published(source: str) -> definitions.PublishDefinitionRequest:
    return definitions.PublishDefinitionRequest(source=source)


@dataclass(frozen=True, slots=True)
class Case:
    """A call, and the refusal that it gets."""

    says: str
    stub: Callable[[grpc.aio.Channel], Any]
    method: str
    request: Message
    code: Code
    reason: str
    names: tuple[str, ...]
    """What the message must hold: the thing that is wrong, and what to do next."""
    token: str = ""
    at: str = ""
    """`line:column` of the first violation."""
    field: str = ""
    """Of the first violation."""


W, D, R, A = stubs.workflows, stubs.definitions, stubs.agent_registry, stubs.artifacts
GOOD = started({"request": "A booking site."})
NO_DEFINITION = (Code.NOT_FOUND, "DEFINITION_NOT_FOUND")
NO_FIT = (Code.INVALID_ARGUMENT, "INPUT_MISMATCH")
NO_WORKFLOW = (Code.NOT_FOUND, "WORKFLOW_NOT_FOUND", (NOWHERE, "archwright workflows list"))
NO_AGENT = (Code.NOT_FOUND, "AGENT_NOT_FOUND", ("'nobody'", "archwright agents list"))
NO_TOKEN = (Code.UNAUTHENTICATED, "TOKEN_INVALID")
BROKEN = (Code.INVALID_ARGUMENT, "DEFINITION_INVALID")
TOO_LARGE = (Code.INVALID_ARGUMENT, "PAYLOAD_TOO_LARGE")
TOO_DEEP = (Code.INVALID_ARGUMENT, "PAYLOAD_INVALID")
SHOWN = "archwright definitions get architecture_creation"
ASK = "archwright token"

CASES = [
    Case(
        "an unknown definition is named with those that there are",
        *(W, "StartWorkflow", started({}, "architecture_creatoin"), *NO_DEFINITION),
        ("'architecture_creatoin'", BUILT_IN, "archwright definitions list"),
    ),
    Case(
        "an unknown version is named",
        *(W, "StartWorkflow", started({}, version="9.9.9"), *NO_DEFINITION),
        (BUILT_IN, "9.9.9"),
    ),
    Case(
        "an unknown definition cannot be read",
        *(D, "GetDefinition", definitions.GetDefinitionRequest(name="nothing"), *NO_DEFINITION),
        ("'nothing'", "archwright definitions list"),
    ),
    Case(
        "no definition at all is asked for",
        *(W, "StartWorkflow", started({}, ""), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
        ("definition_name", "archwright definitions list"),
    ),
    Case(
        "an input that lacks something is told what",
        *(W, "StartWorkflow", started({}), *NO_FIT, (BUILT_IN, "request", SHOWN)),
    ),
    Case(
        "an input of the wrong type is told where",
        *(W, "StartWorkflow", started({"request": 5}), *NO_FIT, ("request", "string", SHOWN)),
        field="input.request",
    ),
    Case(
        "an input with something else is told what",
        *(W, "StartWorkflow", started({"request": "x", "colour": "red"}), *NO_FIT, ("colour", SHOWN)),
    ),
    Case(
        "an input that allows a few words is told which",
        *(W, "StartWorkflow", started({"request": "x", "request_type": "new"}), *NO_FIT, ("new_architecture", SHOWN)),
        field="input.request_type",
    ),
    Case(
        "malformed YAML is told by line and column",
        *(D, "PublishDefinition", published("name: a\nsteps: [one: two: three]\n"), *BROKEN, ("line 2, column 17",)),
        at="2:17",
    ),
    Case(
        "an unknown field of a definition is told by line and column",
        *(D, "PublishDefinition", published("name: a\nsteps:\n  - {nme: b, agent: c}\n"), *BROKEN),
        ("line 3, column 6", "did you mean 'name'"),
        at="3:6",
    ),
    Case(
        "an empty definition is refused",
        *(D, "PublishDefinition", published(""), *BROKEN, ("empty",)),
        at="1:1",
    ),
    Case(
        "a step that leads nowhere is told by line and column",
        *(D, "PublishDefinition", published("name: a\nsteps:\n  - {name: b, agent: c, next: d}\n"), *BROKEN),
        ("line 3, column 31", "'d'"),
        at="3:31",
    ),
    Case(
        "no token is told how to get one",
        *(W, "StartWorkflow", GOOD, Code.UNAUTHENTICATED, "TOKEN_MISSING", ("token", ASK)),
        token="missing",
    ),
    Case(
        "no token at the registry is told how to get one",
        *(R, "ListAgents", registry.ListAgentsRequest(), Code.UNAUTHENTICATED, "TOKEN_MISSING", ("token", ASK)),
        token="missing",
    ),
    Case("an expired token is told so", W, "StartWorkflow", GOOD, *NO_TOKEN, ("expired", ASK), token="expired"),
    *(
        Case(f"a token {wrong} is refused", W, "StartWorkflow", GOOD, *NO_TOKEN, ("token", ASK), token=wrong)
        for wrong in ("of another key", "of another issuer", "for another audience")
    ),
    Case("what is no token is refused", W, "StartWorkflow", GOOD, *NO_TOKEN, ("token", ASK), token="no token"),
    Case(
        "a role that may only look is told which roles may",
        *(
            W,
            "StartWorkflow",
            GOOD,
            Code.PERMISSION_DENIED,
            "ROLE_DENIED",
            ("admin, operator", "has viewer", "Show a token"),
        ),
        token="of a viewer",
    ),
    Case(
        "a role that is no agent's may not say how an agent is",
        *(R, "HeartbeatAgent", registry.HeartbeatAgentRequest(agent_id="nobody"), Code.PERMISSION_DENIED),
        *("ROLE_DENIED", ("agent", "HeartbeatAgent")),
    ),
    Case(
        "an input that is too large is told the limit",
        *(W, "StartWorkflow", started({"request": "x" * (MIB + 1)}), *TOO_LARGE, ("input", "1,048,576", "artifact")),
    ),
    Case(
        "a definition that is too large is told the limit",
        *(D, "PublishDefinition", published("#" * (MIB + 1)), *TOO_LARGE, ("source", "1,048,576")),
    ),
    Case(
        "an input that is too deep is told where",
        *(W, "StartWorkflow", nested(17), *TOO_DEEP, ("input.a.a", "16 levels", "flatten")),
    ),
    Case(
        "an input that is too deep to be decoded is refused",
        *(W, "StartWorkflow", nested(400), *TOO_DEEP, ("StartWorkflow", "too deep")),
    ),
    Case(
        "a definition that is too deep is told by line and column",
        *(D, "PublishDefinition", published("name: a\nlabels: " + "[" * 70 + "]" * 70), *BROKEN),
        ("line 2, column 72", "nested deeper than 64"),
    ),
    *(
        Case(f"an unknown workflow is named by {method}", stub, method, request, *NO_WORKFLOW)
        for stub, method, request in (
            (W, "GetWorkflow", workflows.GetWorkflowRequest(workflow_id=NOWHERE)),
            (W, "CancelWorkflow", workflows.CancelWorkflowRequest(workflow_id=NOWHERE)),
            (W, "ListHistory", workflows.ListHistoryRequest(workflow_id=NOWHERE)),
            (W, "ListTasks", workflows.ListTasksRequest(workflow_id=NOWHERE)),
            (W, "GetTask", workflows.GetTaskRequest(workflow_id=NOWHERE, task_id="task_1")),
            (W, "WatchWorkflow", workflows.WatchWorkflowRequest(workflow_id=NOWHERE)),
            (A, "ListArtifacts", artifacts.ListArtifactsRequest(workflow_id=NOWHERE)),
            (A, "GetArtifact", artifacts.GetArtifactRequest(workflow_id=NOWHERE, name="report.html")),
        )
    ),
    Case(
        "what is no id of a workflow is named as one that is not there",
        *(W, "GetWorkflow", workflows.GetWorkflowRequest(workflow_id="42"), Code.NOT_FOUND, "WORKFLOW_NOT_FOUND"),
        ("'42'", "archwright workflows list"),
    ),
    *(
        Case(f"an unknown agent is named by {method}", R, method, request, *NO_AGENT)
        for method, request in (
            ("GetAgent", registry.GetAgentRequest(agent_id="nobody")),
            ("GetAgentHealth", registry.GetAgentHealthRequest(agent_id="nobody")),
            ("DeregisterAgent", registry.DeregisterAgentRequest(agent_id="nobody")),
        )
    ),
]


@pytest.mark.parametrize("door", ["gateway", "service"])
@pytest.mark.parametrize("case", [pytest.param(case, id=case.says) for case in CASES])
async def test_bad_input_is_refused_in_clear_words(
    case: Case, door: str, whole_mesh: Any, token_of: Callable[[str], str]
) -> None:
    async with channel_to(whole_mesh, case.stub if door == "service" else None) as channel:
        refused = await refusal(getattr(case.stub(channel), case.method), case.request, token_of(case.token))

    error = told(refused)
    assert (refused.code(), error.reason) == (case.code, case.reason)
    missing = [words for words in case.names if words not in error.message]
    assert not missing, error.message
    if case.at or case.field:
        first = error.violations[0]
        assert case.at in ("", f"{first.line}:{first.column}")
        assert case.field in ("", first.field)


@pytest.mark.parametrize("door", ["gateway", "service"])
async def test_a_message_that_no_server_reads_is_told_the_limit(
    door: str, whole_mesh: Any, token_of: Callable[[str], str]
) -> None:
    request = started({"request": "x" * (5 * MIB)})
    async with channel_to(whole_mesh, stubs.workflows if door == "service" else None) as channel:
        refused = await refusal(stubs.workflows(channel).StartWorkflow, request, token_of(""))

    assert told(refused).reason in {"PAYLOAD_TOO_LARGE", "LIMIT_REACHED"}
    assert "larger than" in (refused.details() or "")


@pytest.mark.parametrize("door", ["gateway", "service"])
async def test_a_workflow_of_another_tenant_is_as_unknown_as_none(
    door: str, whole_mesh: Any, token_of: Callable[[str], str]
) -> None:
    async with channel_to(whole_mesh, None) as channel:
        metadata = (("authorization", f"Bearer {token_of('')}"),)
        await stubs.definitions(channel).PublishDefinition(
            published("name: never_begun\nsteps: [{name: a, agent: absent_from_here}]"), metadata=metadata
        )
        workflow = await stubs.workflows(channel).StartWorkflow(started({}, "never_begun"), metadata=metadata)
        await stubs.workflows(channel).CancelWorkflow(
            workflows.CancelWorkflowRequest(workflow_id=workflow.workflow_id), metadata=metadata
        )
    request = workflows.GetWorkflowRequest(workflow_id=workflow.workflow_id)

    async with channel_to(whole_mesh, stubs.workflows if door == "service" else None) as channel:
        refused = await refusal(stubs.workflows(channel).GetWorkflow, request, token_of("of another tenant"))

    assert told(refused).reason == "WORKFLOW_NOT_FOUND"
    assert workflow.workflow_id in told(refused).message


@pytest.mark.parametrize("door", ["gateway", "service"])
async def test_an_agent_that_is_not_registered_gets_no_work(door: str, whole_mesh: Any) -> None:
    hello = work.Hello(agent_id="nobody", protocol_version=1)
    token = whole_mesh.token("agent", tenant="platform", subject="nobody")

    async def words() -> AsyncIterator[work.ConnectRequest]:
        yield work.ConnectRequest(frames=[work.AgentFrame(hello=hello)])

    async with channel_to(whole_mesh, stubs.agent_work if door == "service" else None) as channel:
        refused = await refusal(stubs.agent_work(channel).Connect, words(), token)

    assert (refused.code(), told(refused).reason) == (Code.FAILED_PRECONDITION, "AGENT_NOT_REGISTERED")
    assert "'nobody'" in told(refused).message
    assert "Register it" in told(refused).message


async def test_the_check_of_a_definition_finds_every_problem_with_its_place(
    whole_mesh: Any, token_of: Callable[[str], str]
) -> None:
    source = "name: a\nsteps:\n  - {name: b, agent: c, conditions: [{if: '1 +', next: b}]}\n  - {name: b, agent: c}\n"
    async with channel_to(whole_mesh, None) as channel:
        answer = await stubs.definitions(channel).ValidateDefinition(
            definitions.ValidateDefinitionRequest(source=source),
            metadata=(("authorization", f"Bearer {token_of('of a viewer')}"),),
        )

    assert not answer.valid
    assert len(answer.problems) >= 2
    assert all(problem.line and problem.column and problem.message for problem in answer.problems)


def channel_to(whole_mesh: Any, stub: Callable[..., Any] | None) -> grpc.aio.Channel:
    """Return a channel to the gateway, or to the service that has this stub."""
    record = whole_mesh.record
    if stub is None:
        address = record.gateway
    else:
        address = f"https://{record.registry if stub is stubs.agent_registry else record.engine}"
    return open_channel(address, ca_file=Path(record.ca_file))


async def refusal(method: Any, request: Any, token: str) -> grpc.aio.AioRpcError:
    """Call, and return how the call was refused."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    call = method(request, metadata=metadata, timeout=CALL_SECONDS_MAX)
    try:
        if isinstance(call, grpc.aio.UnaryUnaryCall):
            await call
        else:
            async for _ in call:
                pass
    except grpc.aio.AioRpcError as refused:
        return refused
    pytest.fail("it was accepted")


def told(refused: grpc.aio.AioRpcError) -> ArchwrightError:
    return from_rpc_error(refused)
