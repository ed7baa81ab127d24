"""What is wrong, asked over REST through the gateway."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import Any

import pytest

NOWHERE = "wf_01k00000000000000000000000"
BUILT_IN = "architecture_creation"
MIB = 1 << 20
WORKFLOWS = "/api/v1/workflows"
DEFINITIONS = "/api/v1/definitions"
CALL_SECONDS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and the refusal that it gets."""

    says: str
    verb: str
    path: str
    body: Any
    """Sent as JSON, or as it is where it is bytes."""
    status: int
    reason: str
    names: tuple[str, ...]
    """What the message must hold: the thing that is wrong, and what to do next."""
    token: str = ""
    at: str = ""
    """`line:column` of the first violation."""
    field: str = ""
    """Of the first violation."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    body: dict[str, Any]

    @property
    def info(self) -> dict[str, Any]:
        return dict(self.body["details"][0])

    @property
    def message(self) -> str:
        return str(self.body["message"])


Call = Callable[..., Answer]


def started(given: Any, definition: str = BUILT_IN, version: str = "") -> dict[str, Any]:
    return {"definition_name": definition, "definition_version": version, "input": given}


def nested(depth: int) -> bytes:
    return (
        f'{{"definition_name": "{BUILT_IN}", "input": {{"a":'.encode()
        + b'{"a":' * (depth - 1)
        + b"1"
        + b"}" * (depth + 1)
    )


START = ("POST", WORKFLOWS)
PUBLISH = ("POST", DEFINITIONS)
GOOD = started({"request": "A booking site."})
NO_FIT = (400, "INPUT_MISMATCH")
BROKEN = (400, "DEFINITION_INVALID")
NO_WORKFLOW = (404, "WORKFLOW_NOT_FOUND", (NOWHERE, "archwright workflows list"))
NO_AGENT = (404, "AGENT_NOT_FOUND", ("'nobody'", "archwright agents list"))
NO_TOKEN = (401, "TOKEN_INVALID")
SHOWN = "archwright definitions get architecture_creation"
ASK = "archwright token"

CASES = [
    Case(
        "an unknown definition is named with those that there are",
        *(*START, started({}, "architecture_creatoin"), 404, "DEFINITION_NOT_FOUND"),
        ("'architecture_creatoin'", BUILT_IN, "archwright definitions list"),
    ),
    Case(
        "an unknown version is named",
        *(*START, started({}, version="9.9.9"), 404, "DEFINITION_NOT_FOUND", (BUILT_IN, "9.9.9")),
    ),
    Case(
        "an unknown definition cannot be read",
        *("GET", f"{DEFINITIONS}/nothing", None, 404, "DEFINITION_NOT_FOUND"),
        ("'nothing'", "archwright definitions list"),
    ),
    Case(
        "no definition at all is asked for",
        *(*START, {"input": {}}, 400, "REQUEST_INVALID", ("definition_name", "archwright definitions list")),
    ),
    Case("an input that lacks something is told what", *START, started({}), *NO_FIT, (BUILT_IN, "request", SHOWN)),
    Case(
        "an input of the wrong type is told where",
        *(*START, started({"request": 5}), *NO_FIT, ("request", "string", SHOWN)),
        field="input.request",
    ),
    Case(
        "an input with something else is told what",
        *(*START, started({"request": "x", "colour": "red"}), *NO_FIT, ("colour", SHOWN)),
    ),
    Case(
        "an input that is no object is told what it must be",
        *(*START, started("a booking site"), 400, "PAYLOAD_INVALID", ("input", "/openapi.json")),
    ),
    Case(
        "malformed YAML is told by line and column",
        *(*PUBLISH, {"source": "name: a\nsteps: [one: two: three]\n"}, *BROKEN, ("line 2, column 17",)),
        at="2:17",
    ),
    Case(
        "an unknown field of a definition is told by line and column",
        *(*PUBLISH, {"source": "name: a\nsteps:\n  - {nme: b, agent: c}\n"}, *BROKEN),
        ("line 3, column 6", "did you mean 'name'"),
        at="3:6",
        field="steps[0].nme",
    ),
    Case("an empty definition is refused", *PUBLISH, {"source": ""}, *BROKEN, ("empty",), at="1:1"),
    Case(
        "a body that is no JSON is told so",
        *(*START, b'{"definition_name": ', 400, "PAYLOAD_INVALID", ("JSON", "/openapi.json")),
    ),
    Case(
        "YAML in place of the body is told so",
        *(*START, b"definition_name: architecture_creation\n", 400, "PAYLOAD_INVALID", ("JSON", "/openapi.json")),
    ),
    Case("no token is told how to get one", *START, GOOD, 401, "TOKEN_MISSING", ("token", ASK), token="missing"),
    Case(
        "no token at the registry is told how to get one",
        *("GET", "/api/v1/agents", None, 401, "TOKEN_MISSING", ("token", ASK)),
        token="missing",
    ),
    Case("an expired token is told so", *START, GOOD, *NO_TOKEN, ("expired", ASK), token="expired"),
    *(
        Case(f"a token {wrong} is refused", *START, GOOD, *NO_TOKEN, ("token", ASK), token=wrong)
        for wrong in ("of another key", "of another issuer", "for another audience")
    ),
    Case("what is no token is refused", *START, GOOD, *NO_TOKEN, ("token", ASK), token="no token"),
    Case(
        "a role that may only look is told which roles may",
        *(*START, GOOD, 403, "ROLE_DENIED", ("admin, operator", "has viewer", "Show a token")),
        token="of a viewer",
    ),
    Case(
        "an input that is too large is told the limit",
        *(*START, started({"request": "x" * (MIB + 1)}), 400, "PAYLOAD_TOO_LARGE", ("input", "1,048,576", "artifact")),
    ),
    Case(
        "a body that is too large for the gateway is told the limit",
        *(*START, started({"request": "x" * (3 * MIB)}), 413, "PAYLOAD_TOO_LARGE", ("body", str(2 * MIB), "artifact")),
    ),
    Case(
        "a definition that is too large is told the limit",
        *(*PUBLISH, {"source": "#" * (MIB + 1)}, 400, "PAYLOAD_TOO_LARGE", ("source", "1,048,576")),
    ),
    Case(
        "an input that is too deep is told where",
        *(*START, nested(17), 400, "PAYLOAD_INVALID", ("input.a.a", "16 levels", "flatten")),
    ),
    Case("an input that is far too deep is refused", *START, nested(400), 400, "PAYLOAD_INVALID", ("deep",)),
    Case("an input that is absurdly deep is refused", *START, nested(50_000), 400, "PAYLOAD_INVALID", ("JSON",)),
    Case(
        "a definition that is too deep is told by line and column",
        *(*PUBLISH, {"source": "name: a\nlabels: " + "[" * 70 + "]" * 70}, *BROKEN),
        ("line 2, column 72", "nested deeper than 64"),
    ),
    *(
        Case(
            f"an unknown workflow is named by {verb} {path or 'itself'}",
            *(verb, f"{WORKFLOWS}/{NOWHERE}{path}", body, *NO_WORKFLOW),
        )
        for verb, path, body in (
            ("GET", "", None),
            ("POST", ":cancel", {}),
            ("PUT", "/status", {"status": "cancelled"}),
            ("GET", "/history", None),
            ("GET", "/tasks", None),
            ("GET", "/tasks/task_1", None),
            ("GET", "/events", None),
        )
    ),
    Case("an unknown workflow has no files", "GET", f"/api/v1/artifacts/{NOWHERE}", None, *NO_WORKFLOW),
    Case("an unknown workflow has no report", "GET", f"/api/v1/artifacts/{NOWHERE}/report.html", None, *NO_WORKFLOW),
    Case(
        "what is no id of a workflow is named as one that is not there",
        *("GET", f"{WORKFLOWS}/42", None, 404, "WORKFLOW_NOT_FOUND", ("'42'", "archwright workflows list")),
    ),
    Case("an unknown agent is named", "GET", "/api/v1/agents/nobody", None, *NO_AGENT),
    Case("an unknown agent has no health", "GET", "/api/v1/agents/nobody/health", None, *NO_AGENT),
    Case("an unknown agent cannot be deregistered", "DELETE", "/api/v1/agents/nobody", None, *NO_AGENT),
    Case(
        "an unknown path is told where all are listed",
        *("GET", "/api/v1/workflow", None, 404, "METHOD_UNKNOWN", ("path", "/openapi.json")),
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.says) for case in CASES])
def test_bad_input_is_refused_in_clear_words(case: Case, call: Call) -> None:
    answer = call(case.verb, case.path, case.body, case.token)

    assert_shape(answer)
    assert (answer.status, answer.info["reason"]) == (case.status, case.reason), answer.message
    missing = [words for words in case.names if words not in answer.message]
    assert not missing, answer.message
    if case.at:
        assert answer.info["metadata"]["violation_0_at"] == case.at
    if case.field:
        assert answer.body["details"][1]["field_violations"][0]["field"] == case.field


def assert_shape(answer: Answer) -> None:
    assert answer.media_type == "application/json"
    assert sorted(answer.body) == ["code", "details", "message"]
    assert answer.info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert answer.info["domain"] == "archwright.dev"


@pytest.fixture
def call(whole_mesh: Any, token_of: Callable[[str], str]) -> Call:
    """Calls as curl would."""

    def answered(verb: str, path: str, body: Any, token: str) -> Answer:
        shown = token_of(token)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {shown}"} if shown else {})
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        context = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        connection = HTTPSConnection("localhost", whole_mesh.gateway_port, context=context, timeout=CALL_SECONDS_MAX)
        with closing(connection):
            connection.request(verb, path, sent, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("content-type", ""), json.loads(answer.read()))

    return answered
