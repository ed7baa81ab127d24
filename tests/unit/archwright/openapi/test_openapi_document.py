from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from archwright.contract import contract
from archwright.openapi import document


@pytest.fixture(scope="module")
def described() -> Any:
    return json.loads(document())


def _operations(described: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation for verbs in described["paths"].values() for operation in verbs.values()
    }


def test_the_document_is_valid_openapi(described: Any) -> None:
    assert described["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []


def test_every_method_with_a_place_in_rest_is_in_it(described: Any) -> None:
    expected = {method.name for method in contract().methods() if method.binding}

    assert set(_operations(described)) == expected


def test_every_operation_says_what_it_does_and_how_it_may_fail(described: Any) -> None:
    for operation in _operations(described).values():
        assert operation["summary"]
        assert "default" in operation["responses"]


def test_only_what_the_contract_opens_to_everybody_needs_no_token(described: Any) -> None:
    unlocked = [name for name, operation in _operations(described).items() if operation["security"] == []]

    assert unlocked == ["GetOpenApi", "GetAsyncApi"]


def test_what_is_in_the_path_is_not_in_the_body(described: Any) -> None:
    cancel = _operations(described)["CancelWorkflow"]
    body = described["components"]["schemas"]["CancelWorkflowRequest"]

    assert [(given["name"], given["in"]) for given in cancel["parameters"]] == [
        ("workflow_id", "path"),
        ("Idempotency-Key", "header"),
    ]
    assert set(body["properties"]) == {"reason", "request_id"}


def test_a_call_without_a_body_takes_its_fields_from_the_query(described: Any) -> None:
    given = {parameter["name"]: parameter for parameter in _operations(described)["ListWorkflows"]["parameters"]}

    assert set(given) == {"page_size", "page_token", "status", "definition_name", "filter", "order_by"}
    assert given["page_size"] == {
        "name": "page_size",
        "in": "query",
        "required": False,
        "description": "At most 200; 50 when 0.",
        "schema": {"type": "integer", "format": "int32"},
    }
    assert given["status"]["schema"] == {"$ref": "#/components/schemas/Workflow.Status"}


def test_fields_look_as_the_gateway_writes_them(described: Any) -> None:
    workflow = described["components"]["schemas"]["Workflow"]["properties"]
    agent = described["components"]["schemas"]["Agent"]["properties"]

    assert (workflow["last_seq"]["type"], workflow["last_seq"]["format"]) == ("string", "int64")
    assert workflow["created_at"]["format"] == "date-time"
    assert workflow["input"]["additionalProperties"] is True
    assert workflow["steps"]["items"] == {"type": "string"}
    assert workflow["workflow_id"]["readOnly"] is True
    assert agent["labels"]["additionalProperties"] == {"type": "string"}


def test_what_is_required_is_required(described: Any) -> None:
    assert described["components"]["schemas"]["StartWorkflowRequest"]["required"] == ["definition_name"]


def test_errors_are_listed_by_status_with_their_reasons(described: Any) -> None:
    responses = _operations(described)["StartWorkflow"]["responses"]

    assert set(responses) == {"200", "400", "401", "403", "404", "409", "413", "429", "default"}
    assert "`INPUT_MISMATCH`" in responses["400"]["description"]
    assert "`REQUEST_ID_REUSED`" in responses["409"]["description"]
    assert "`TOKEN_MISSING`" in responses["401"]["description"]


def test_an_event_stream_takes_a_token_in_the_query_and_resumes(described: Any) -> None:
    watch = _operations(described)["WatchWorkflowSse"]

    assert list(watch["responses"]["200"]["content"]) == ["text/event-stream"]
    assert watch["security"] == [{"bearer": []}, {"query_token": []}]
    assert "Last-Event-ID" in [given["name"] for given in watch["parameters"]]


def test_a_problem_names_every_reason_there_is(described: Any) -> None:
    reasons = described["components"]["schemas"]["ErrorInfo"]["properties"]["reason"]["enum"]

    assert "WORKFLOW_NOT_FOUND" in reasons
    assert "REASON_UNSPECIFIED" not in reasons
