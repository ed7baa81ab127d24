"""What REST refuses of an agent that pulls, through the gateway: each with its reason, and the task is unharmed."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

AGENTS = "/api/v1/agents"
SOURCE = "name: rest_pulled\nsteps: [{name: a, agent: rest_puller, task_type: add}]"
CALL_SECONDS_MAX = 40.0
Call = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def call(whole_mesh: Any) -> Call:
    """Calls as curl would; text is sent as it is."""

    def answered(token: str, verb: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cafile=whole_mesh.record.ca_file)
        connection = HTTPSConnection("localhost", whole_mesh.gateway_port, context=context, timeout=CALL_SECONDS_MAX)
        text = body if isinstance(body, str | None) else json.dumps(body)
        with closing(connection):
            connection.request(
                verb, path, text, {"content-type": "application/json", "authorization": f"Bearer {token}"}
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    return answered


async def test_what_is_wrong_is_refused_with_its_reason_and_the_task_goes_on(whole_mesh: Any, call: Call) -> None:
    enrolment = Path(whole_mesh.record.enrolment_token_file).read_text(encoding="utf-8").strip()
    code, registered = call(
        enrolment, "POST", f"{AGENTS}/register", {"agent_id": "rest-puller", "agent_type": "rest_puller"}
    )
    assert code == 200, registered
    token, tasks = registered["token"], f"{AGENTS}/rest-puller/tasks"
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(SOURCE)
        workflow = await client.start("rest_pulled", {})
        code, pulled = call(token, "GET", f"{tasks}?slots=1&wait=20s")
        assert code == 200, pulled
        delivery = pulled["tasks"][0]["delivery"]
        task = f"{tasks}/{delivery['task_id']}"
        code, accepted = call(token, "POST", f"{task}/accept", delivery)
        assert (code, accepted["lease_ttl"]) == (200, "15s")

        foreign = delivery | {"lease_id": "lease_01k0000000e008000000000000"}
        large = delivery | {"output": {"text": "x" * (1 << 20)}}
        for verb, path, body, status, reason in (
            ("GET", f"{tasks}?slots=1001", None, 400, "REQUEST_INVALID"),
            ("GET", f"{tasks}?wait=31s", None, 400, "REQUEST_INVALID"),
            ("GET", f"{AGENTS}/somebody-else/tasks", None, 403, "ROLE_DENIED"),
            ("POST", f"{task}/progress", foreign, 400, "LEASE_LOST"),
            ("POST", f"{task}/result", delivery, 400, "REQUEST_INVALID"),
            ("POST", f"{task}/result", delivery | {"output": {"n": 2**60}}, 400, "PAYLOAD_INVALID"),
            ("POST", f"{task}/result", large, 400, "PAYLOAD_TOO_LARGE"),
        ):
            code, refusal = call(token, verb, path, body)
            assert (code, refusal["details"][0]["reason"]) == (status, reason), refusal
        for path, body in ((f"{tasks}?slot=1", None), (f"{task}/result", '{"output": {')):
            code, refusal = call(token, "POST" if body else "GET", path, body)
            assert code == 400, refusal
        code, refusal = call(whole_mesh.token("operator"), "GET", f"{tasks}?slots=1")
        assert code == 403, refusal

        for outcome in ("APPLIED", "DUPLICATE"):
            told = delivery | {"workflow_id": workflow.workflow_id, "tenant": "default", "output": {"sum": 3}}
            assert call(token, "POST", f"{task}/result", told)[1]["outcome"] == outcome
        assert (await client.wait(workflow.workflow_id)).status == Workflow.COMPLETED
    assert call(token, "DELETE", f"{AGENTS}/rest-puller")[0] == 200
