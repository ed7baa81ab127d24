"""Native gRPC through the gateway's one address: calls, errors with their details, reflection, `buf curl`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from archwright import errors
from archwright.engine.v1 import workflows_pb2, workflows_pb2_grpc
from archwright.registry.v1 import agent_registry_pb2, agent_registry_pb2_grpc
from archwright.serving.status import from_rpc_error

WORKFLOW_ID = "wf_00000000000000000000000001"
GET_WORKFLOW = "/archwright.engine.v1.WorkflowService/GetWorkflow"


async def _refused(call: Any) -> tuple[grpc.StatusCode, errors.ArchwrightError]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), from_rpc_error(refused.value)


async def test_both_services_answer_at_one_address(gateway: Any) -> None:
    metadata = gateway.metadata("viewer")
    async with gateway.channel() as channel:
        workflow = await workflows_pb2_grpc.WorkflowServiceStub(channel).GetWorkflow(
            workflows_pb2.GetWorkflowRequest(workflow_id=WORKFLOW_ID), metadata=metadata
        )
        agents = await agent_registry_pb2_grpc.AgentRegistryServiceStub(channel).ListAgents(
            agent_registry_pb2.ListAgentsRequest(), metadata=metadata
        )

    assert workflow.last_seq == 7
    assert [agent.agent_id for agent in agents.agents] == ["agent-1"]


async def test_health_is_answered_without_a_token(gateway: Any) -> None:
    async with gateway.channel() as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())

    assert health.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_error_of_a_service_arrives_with_all_its_details(gateway: Any) -> None:
    async with gateway.channel() as channel:
        code, error = await _refused(
            workflows_pb2_grpc.WorkflowServiceStub(channel).UpdateWorkflowStatus(
                workflows_pb2.UpdateWorkflowStatusRequest(workflow_id=WORKFLOW_ID),
                metadata=gateway.metadata("operator"),
            )
        )

    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert isinstance(error, errors.TransitionIllegal)
    assert error.violations[0].description == "COMPLETED is terminal"


@pytest.mark.parametrize(
    ("header", "kind"),
    [(None, errors.TokenMissing), ("Bearer x.y.z", errors.TokenInvalid), ("Bearer {expired}", errors.TokenInvalid)],
)
async def test_a_refusal_of_the_gateway_reads_like_one_of_a_service(
    gateway: Any, header: str | None, kind: type[errors.ArchwrightError]
) -> None:
    expired = gateway.token("viewer", ttl_seconds=-60)
    metadata = (("authorization", header.format(expired=expired)),) if header else ()

    async with gateway.channel() as channel:
        code, error = await _refused(channel.unary_unary(GET_WORKFLOW)(b"", metadata=metadata))

    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert type(error) is kind
    assert "archwright token" in error.message
    assert "{" not in error.message  # JSON is for callers of REST


@pytest.mark.parametrize("path", ["/archwright.engine.v1.WorkflowService/Guess", "/elsewhere.Service/Guess"])
async def test_an_unknown_method_is_told_so(gateway: Any, path: str) -> None:
    async with gateway.channel() as channel:
        code, error = await _refused(channel.unary_unary(path)(b"", metadata=gateway.metadata("viewer")))

    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert isinstance(error, errors.MethodUnknown)


async def test_a_message_beyond_the_limit_is_refused(gateway: Any) -> None:
    request = workflows_pb2.StartWorkflowRequest(definition_name="x" * (2 * 1024 * 1024))
    async with gateway.channel() as channel:
        stub = workflows_pb2_grpc.WorkflowServiceStub(channel)
        code, error = await _refused(stub.StartWorkflow(request, metadata=gateway.metadata("operator")))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert isinstance(error, errors.PayloadTooLarge)


async def _buf_curl(gateway: Any, *arguments: str) -> tuple[int, str]:
    buf = Path(sys.executable).with_name("buf")
    process = await asyncio.create_subprocess_exec(
        *(str(buf), "curl", "--protocol", "grpc", "--cacert", str(gateway.ca_file), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_buf_curl_finds_methods_by_reflection(gateway: Any) -> None:
    header = f"Authorization: Bearer {gateway.token('viewer')}"
    url = f"https://localhost:{gateway.port}{GET_WORKFLOW}"

    status, output = await _buf_curl(gateway, "-H", header, "-d", json.dumps({"workflow_id": WORKFLOW_ID}), url)

    assert status == 0, output
    assert json.loads(output)["workflowId"] == WORKFLOW_ID


async def test_buf_curl_shows_an_error_with_its_details(gateway: Any) -> None:
    header = f"Authorization: Bearer {gateway.token('viewer')}"
    url = f"https://localhost:{gateway.port}{GET_WORKFLOW}"

    status, output = await _buf_curl(gateway, "-H", header, "-d", '{"workflow_id": "wf_other"}', url)

    assert status != 0
    refusal = json.loads(output)
    assert refusal["code"] == "not_found"
    assert refusal["details"][0]["type"] == "google.rpc.ErrorInfo"
