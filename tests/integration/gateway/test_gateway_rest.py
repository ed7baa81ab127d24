"""What callers of REST get from the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import Any
from urllib.parse import quote, unquote

import pytest

from archwright.openapi import document

WORKFLOW_ID = "wf_00000000000000000000000001"


async def test_a_workflow_is_started_with_its_input_and_idempotency_key(gateway: Any) -> None:
    body = {"definition_name": "greeting", "input": {"name": "Ann", "counts": [1, {"deep": 2}]}}

    answer = await gateway.call("POST", "/api/v1/workflows", body, headers={"Idempotency-Key": "key-1"})

    assert answer.status == 200
    assert answer.json()["workflow_id"] == WORKFLOW_ID
    assert answer.json()["status"] == "PENDING"
    assert answer.json()["input"] == body["input"]
    assert gateway.workflows.calls[-1].request_id == "key-1"


async def test_fields_keep_their_names_and_defaults_are_written(gateway: Any) -> None:
    found = (await gateway.call("GET", f"/api/v1/workflows/{WORKFLOW_ID}")).json()

    assert found["last_seq"] == "7"  # 64 bits are a string
    assert found["steps_completed"] == []
    assert found["degraded"] is False


async def test_lists_take_their_query_and_enums_in_any_case(gateway: Any) -> None:
    answer = await gateway.call("GET", "/api/v1/workflows?page_size=5&status=running")

    assert answer.status == 200
    assert gateway.workflows.requests[-1].page_size == 5
    assert gateway.workflows.requests[-1].status == 2


async def test_a_verb_after_a_colon_cancels(gateway: Any) -> None:
    answer = await gateway.call("POST", f"/api/v1/workflows/{WORKFLOW_ID}:cancel", {"reason": "enough"})

    assert answer.json()["status"] == "CANCELLED"
    assert gateway.workflows.requests[-1].reason == "enough"


async def test_agents_are_answered_by_the_registry(gateway: Any) -> None:
    answer = await gateway.call("GET", "/api/v1/agents")

    assert [agent["agent_id"] for agent in answer.json()["agents"]] == ["agent-1"]


async def test_a_file_is_read_under_a_name_with_slashes(gateway: Any) -> None:
    answer = await gateway.call("GET", f"/api/v1/artifacts/{WORKFLOW_ID}/deliverables/requirements.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"a": 1}


@pytest.mark.parametrize(
    "name", ["a b.txt", "Größe.txt", "100%.txt", 'say "hello".md', "a%20b", "plan/日本.html", "a (1)&b=c.txt"]
)
async def test_a_name_of_a_file_arrives_as_it_is(gateway: Any, name: str) -> None:
    answer = await gateway.call("GET", f"/api/v1/artifacts/{WORKFLOW_ID}/{quote(name)}")

    arrived = answer.json()["details"][0]["metadata"]["name"]
    # What paths reserve stays encoded; the engine looks for such a name in both forms.
    assert name in (arrived, unquote(arrived))


async def test_the_openapi_document_needs_no_token(gateway: Any) -> None:
    answer = await gateway.call("GET", "/openapi.json", token=None)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == document()


async def test_a_probe_needs_no_token(gateway: Any) -> None:
    assert (await gateway.call("GET", "/healthz", token=None)).status == 200


# A field that the contract does not know is ignored in silence: Envoy has no option against it. The OpenAPI
# document says so; this test would tell us if Envoy learned better.
async def test_an_unknown_field_of_the_body_is_ignored(gateway: Any) -> None:
    answer = await gateway.call("POST", "/api/v1/workflows", {"definition_name": "greeting", "colour": "red"})

    assert answer.status == 200


async def test_an_error_of_a_service_arrives_with_all_its_details(gateway: Any) -> None:
    answer = await gateway.call("PUT", f"/api/v1/workflows/{WORKFLOW_ID}/status", {"status": "paused"})

    assert answer.status == 400
    assert answer.json() == {
        "code": 9,
        "message": "The workflow has ended.",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "TRANSITION_ILLEGAL",
                "domain": "archwright.dev",
                "metadata": {},
            },
            {
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [
                    {"type": "TRANSITION_ILLEGAL", "subject": "status", "description": "COMPLETED is terminal"}
                ],
            },
        ],
    }


async def test_an_error_of_the_gateway_has_the_same_shape(gateway: Any) -> None:
    answer = await gateway.call("GET", "/api/v1/workflows", token=None)

    assert answer.headers["content-type"] == "application/json"
    refusal = answer.json()
    assert sorted(refusal) == ["code", "details", "message"]
    assert refusal["code"] == 16
    assert refusal["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "TOKEN_MISSING",
            "domain": "archwright.dev",
            "metadata": {},
        }
    ]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/api/v1/workflows/wf_other", 404, "WORKFLOW_NOT_FOUND"),
        ("/api/v1/workflows/wf_other/events", 404, "WORKFLOW_NOT_FOUND"),
        (f"/api/v1/artifacts/{WORKFLOW_ID}/missing.txt", 404, "ARTIFACT_NOT_FOUND"),
        ("/api/v1/agents/agent-9", 404, "AGENT_NOT_FOUND"),
        ("/api/v1/nothing", 404, "METHOD_UNKNOWN"),
        ("/nothing", 404, "METHOD_UNKNOWN"),
        ("/api/v1/workflows?colour=red", 400, "REQUEST_INVALID"),
        ("/api/v1/workflows?page_size=many", 400, "REQUEST_INVALID"),
        ("/api/v1/workflows?status=bogus", 400, "REQUEST_INVALID"),
        ("/api/v1/agents/a%2Fb", 400, "REQUEST_INVALID"),
    ],
)
async def test_a_wrong_path_or_query_is_refused(gateway: Any, path: str, status: int, reason: str) -> None:
    answer = await gateway.call("GET", path)

    assert (answer.status, answer.reason) == (status, reason)


async def test_the_root_is_empty_and_says_so_without_a_token(gateway: Any) -> None:
    answer = await gateway.call("GET", "/", token=None)

    assert (answer.status, answer.reason) == (404, "METHOD_UNKNOWN")


async def test_an_unknown_verb_is_refused(gateway: Any) -> None:
    answer = await gateway.call("DELETE", "/api/v1/workflows")

    assert (answer.status, answer.reason) == (404, "METHOD_UNKNOWN")


async def test_json_sent_to_a_grpc_path_is_refused(gateway: Any) -> None:
    answer = await gateway.call("POST", "/archwright.engine.v1.WorkflowService/GetWorkflow", {})

    assert (answer.status, answer.reason) == (404, "METHOD_UNKNOWN")


def _nested(depth: int) -> bytes:
    return b'{"definition_name": "greeting", "input": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"definition_name": ',
        b"definition_name: greeting",
        b"[1]",
        b'{"definition_name": 5}',
        b'{"definition_name": "greeting", "input": []}',
        pytest.param(_nested(40), id="too deep for the service"),
        pytest.param(_nested(2000), id="too deep for the gateway"),
    ],
)
async def test_a_malformed_body_is_refused(gateway: Any, body: bytes) -> None:
    answer = await gateway.call("POST", "/api/v1/workflows", body)

    assert (answer.status, answer.reason) == (400, "PAYLOAD_INVALID")


async def test_the_refusal_of_a_body_names_the_field(gateway: Any) -> None:
    answer = await gateway.call("POST", "/api/v1/workflows", {"definition_name": 5})

    assert "definition_name" in answer.json()["message"]
    assert "definition_name" in answer.json()["details"][0]["metadata"]["cause"]


async def test_a_body_of_almost_two_mebibytes_passes(gateway: Any) -> None:
    body = {"definition_name": "greeting", "input": {"text": "x" * (2 * 1024 * 1024 - 100)}}

    assert (await gateway.call("POST", "/api/v1/workflows", body)).status == 200


async def test_a_body_beyond_two_mebibytes_is_refused(gateway: Any) -> None:
    body = {"definition_name": "greeting", "input": {"text": "x" * (2 * 1024 * 1024)}}

    answer = await gateway.call("POST", "/api/v1/workflows", body)

    assert (answer.status, answer.reason) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.json()["code"] == 3


async def test_a_body_of_unknown_length_is_refused_once_it_is_too_long(gateway: Any) -> None:
    def send() -> tuple[int, bytes]:
        pieces = iter([b'{"definition_name": "', *([b"x" * 65536] * 40), b'"}'])
        headers = {"authorization": f"Bearer {gateway.token('operator')}", "transfer-encoding": "chunked"}
        with contextlib.closing(gateway.open("POST", "/api/v1/workflows", pieces, headers=headers)) as connection:
            answer = connection.getresponse()
            return answer.status, answer.read()

    status, body = await asyncio.to_thread(send)

    assert status == 413
    assert json.loads(body)["details"][0]["reason"] == "PAYLOAD_TOO_LARGE"


async def test_a_body_may_not_contradict_its_path(gateway: Any) -> None:
    answer = await gateway.call("POST", f"/api/v1/workflows/{WORKFLOW_ID}:cancel", {"workflow_id": "wf_other"})

    assert (answer.status, answer.reason) == (400, "PAYLOAD_INVALID")
    assert "wf_other" in answer.json()["message"]


async def test_what_is_not_http_is_told_so(gateway: Any) -> None:
    context = ssl.create_default_context(cafile=str(gateway.ca_file))
    reader, writer = await asyncio.open_connection("localhost", gateway.port, ssl=context)
    try:
        writer.write(b"HELO mail\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"REQUEST_INVALID"' in answer


async def test_headers_beyond_their_limit_are_refused(gateway: Any) -> None:
    answer = await gateway.call("GET", "/api/v1/workflows", headers={"x-long": "x" * 40_000})

    assert (answer.status, answer.reason) == (431, "REQUEST_INVALID")


async def test_what_a_caller_says_about_itself_counts_for_nothing(gateway: Any) -> None:
    claimed = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Client-Cert": "By=spiffe://evil",
        "X-Archwright-Tenant": "other",
        "X-Envoy-External-Address": "6.6.6.6",
        "X-Envoy-Original-Path": "/evil",
        "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
        "X-Request-Id": "chosen",
        "Forwarded": "for=6.6.6.6",
        "X-Real-Ip": "6.6.6.6",
    }

    await gateway.call("GET", f"/api/v1/workflows/{WORKFLOW_ID}", headers=claimed)

    call = gateway.workflows.calls[-1]
    assert call.ip_address == "127.0.0.1"
    told = json.dumps(dict(call.metadata))
    assert not any(word in told for word in ("6.6.6.6", "evil", "other", "chosen"))


async def test_every_answer_names_its_request(gateway: Any) -> None:
    answer = await gateway.call("GET", f"/api/v1/workflows/{WORKFLOW_ID}")

    assert answer.headers["x-request-id"] == gateway.workflows.calls[-1].metadata["x-request-id"]


async def test_http_2_and_1_1_are_offered_over_tls_1_3(gateway: Any) -> None:
    assert await gateway.negotiated("h2", "http/1.1") == ("TLSv1.3", "h2")
    assert await gateway.negotiated("http/1.1") == ("TLSv1.3", "http/1.1")
