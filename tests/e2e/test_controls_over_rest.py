"""The controls over REST and on the command line: what is illegal, from every status that callers can make."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus

SOURCES = (
    "name: rest_waiting\nsteps: [{name: ask, wait: {signal: go}}]",
    "name: rest_ended\nsteps: [{name: note, set: {n: 1}}]\noutput: {n: '${vars.n}'}",
    "name: rest_failing\nsteps: [{name: stop, fail: {message: not today}}]",
    "name: rest_lacking\nsteps: [{name: stop, on_failure: continue, fail: {message: no}}, {name: rest, set: {n: 1}}]",
)
WORKFLOWS = "/api/v1/workflows"
CALL_SECONDS_MAX = 20.0
NOWHERE = "wf_01k00000000000000000000000"

S = WorkflowStatus
VERBS = {"pause": S.PAUSED, "resume": S.RUNNING, "cancel": S.CANCELLED, "retry": S.RUNNING}
FROM = {"resume": {S.PAUSED}, "retry": {S.FAILED}}
STATUSES = [status for status in WorkflowStatus if status is not S.PENDING]
ILLEGAL = [
    pytest.param(status, verb, id=f"{verb} what is {status}")
    for status in STATUSES
    for verb, leads_to in VERBS.items()
    if leads_to not in WORKFLOW_TRANSITIONS[status] or status not in FROM.get(verb, set(WorkflowStatus))
]
Call = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
async def client(whole_mesh: Any) -> AsyncIterator[Client]:
    async with Client.local(whole_mesh.state) as found:
        for source in SOURCES:
            await found.definitions.publish(source)
        yield found
        for workflow in [each async for each in found.list(filter="session_id = rest AND status != cancelled")]:
            if workflow.status in {Workflow.RUNNING, Workflow.PAUSED}:
                await found.cancel(workflow.workflow_id)


@pytest.fixture(scope="module")
async def standing(client: Client) -> dict[WorkflowStatus, str]:
    """A workflow in each status; nothing that is illegal moves one of them."""

    async def start(definition: str) -> str:
        return (await client.start(definition, {}, session_id="rest")).workflow_id

    paused, cancelled = await start("rest_waiting"), await start("rest_waiting")
    await client.pause(paused)
    await client.cancel(cancelled)
    return {
        S.RUNNING: await start("rest_waiting"),
        S.PAUSED: paused,
        S.CANCELLED: cancelled,
        S.COMPLETED: await start("rest_ended"),
        S.FAILED: await start("rest_failing"),
    }


@pytest.fixture
def call(whole_mesh: Any) -> Call:
    """Calls as curl would."""

    def answered(verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        token = whole_mesh.token("viewer", "operator", "admin", tenant=headers.pop("tenant", "default"))
        given = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        context = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        connection = HTTPSConnection("localhost", whole_mesh.gateway_port, context=context, timeout=CALL_SECONDS_MAX)
        with closing(connection):
            connection.request(verb, path, json.dumps(body or {}) if verb != "GET" else None, given)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    return answered


@pytest.mark.parametrize(("status", "verb"), ILLEGAL)
async def test_what_is_illegal_is_refused_and_what_is_legal_is_named(
    standing: dict[WorkflowStatus, str], client: Client, call: Call, status: WorkflowStatus, verb: str
) -> None:
    it = standing[status]
    before = await client.get(it)

    code, refusal = call("POST", f"{WORKFLOWS}/{it}:{verb}")

    assert code == 400
    assert refusal["details"][0]["reason"] == "TRANSITION_ILLEGAL"
    legal = ", ".join(sorted(WORKFLOW_TRANSITIONS[status])) or "none: it has ended"
    assert f"Legal from here: {legal}." in refusal["message"]
    assert await client.get(it) == before


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "rerun", "signal"])
def test_a_workflow_of_nobody_or_of_another_tenant_is_not_found(
    standing: dict[WorkflowStatus, str], call: Call, verb: str
) -> None:
    body = {"rerun": {"from_step": "ask"}, "signal": {"name": "go"}}.get(verb)
    for path, tenant in ((NOWHERE, "default"), (standing[S.RUNNING], "globex")):
        code, refusal = call("POST", f"{WORKFLOWS}/{path}:{verb}", body, tenant=tenant)

        assert (code, refusal["details"][0]["reason"]) == (404, "WORKFLOW_NOT_FOUND")


async def test_the_header_makes_a_call_safe_to_repeat(client: Client, call: Call) -> None:
    it = (await client.start("rest_waiting", {}, session_id="rest")).workflow_id

    first = call("POST", f"{WORKFLOWS}/{it}:pause", {"reason": "tea"}, idempotency_key="k")
    again = call("POST", f"{WORKFLOWS}/{it}:pause", {"reason": "tea"}, idempotency_key="k")
    code, refusal = call("POST", f"{WORKFLOWS}/{it}:cancel", {}, idempotency_key="k")

    assert first == again
    assert first[1]["status"] == "PAUSED"
    assert (code, refusal["details"][0]["reason"]) == (409, "REQUEST_ID_REUSED")


def test_the_command_line_tells_what_is_legal(
    standing: dict[WorkflowStatus, str], whole_mesh: Any, tmp_path: Path
) -> None:
    for words in (
        ("workflows", "pause", standing[S.COMPLETED]),
        ("workflows", "resume", standing[S.RUNNING]),
        ("workflows", "cancel", standing[S.CANCELLED]),
        ("workflows", "retry", standing[S.PAUSED]),
    ):
        refused = whole_mesh.archwright(*words, folder=tmp_path)
        assert (refused.returncode, "Legal from here:" in refused.stderr) == (2, True), refused.stderr


def test_the_command_line_finds_nothing_that_is_not_there(
    standing: dict[WorkflowStatus, str], whole_mesh: Any, tmp_path: Path
) -> None:
    for words in (
        ("workflows", "pause", NOWHERE),
        ("workflows", "explain", NOWHERE),
        ("workflows", "rerun", NOWHERE, "--from", "ask"),
        ("approvals", "show", "approval_x"),
        ("approvals", "approve", "approval_x", "--shown", "0" * 64),
    ):
        assert whole_mesh.archwright(*words, folder=tmp_path).returncode == 3, words
    lost = whole_mesh.archwright("workflows", "rerun", standing[S.FAILED], "--from", "stpo", folder=tmp_path)
    assert (lost.returncode, "did you mean 'stop'" in lost.stderr) == (2, True), lost.stderr


def test_json_is_printed_for_scripts(standing: dict[WorkflowStatus, str], whole_mesh: Any, tmp_path: Path) -> None:
    explained = whole_mesh.archwright("workflows", "explain", standing[S.RUNNING], "--json", folder=tmp_path)
    listed = whole_mesh.archwright("approvals", "list", "--json", folder=tmp_path)
    shown = whole_mesh.archwright("workflows", "show", standing[S.FAILED], "--json", folder=tmp_path)

    assert json.loads(explained.stdout)["steps"][0]["reason"] == "WAITING_FOR_SIGNAL"
    assert isinstance(json.loads(listed.stdout), list)
    assert json.loads(shown.stdout)["steps_failed"] == ["stop"]


async def test_what_a_result_lacks_is_named_over_every_door(
    client: Client, call: Call, whole_mesh: Any, tmp_path: Path
) -> None:
    it = (await client.start("rest_lacking", {})).workflow_id

    over_grpc = await client.wait(it)
    _, over_rest = call("GET", f"{WORKFLOWS}/{it}")
    [listed] = [each for each in call("GET", WORKFLOWS)[1]["workflows"] if each["workflow_id"] == it]
    shown = whole_mesh.archwright("workflows", "show", it, folder=tmp_path)

    assert (over_grpc.degraded, list(over_grpc.missing)) == (True, ["stop"])
    assert (over_rest["degraded"], over_rest["missing"]) == (True, ["stop"])
    assert listed["missing"] == ["stop"]
    assert "Part of the result is missing: stop" in shown.stdout
