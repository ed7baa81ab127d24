"""An architecture request through the gateway, as a browser or curl would send it, to files worth opening."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from exchange_schemas import exchange_schema, needs_schemas
from lxml import etree
from rest import Rest

REQUEST = {
    "title": "Museum tickets",
    "request": "A museum sells tickets online. Visitors book a time slot and pay by card.",
}
ROLES = [
    "business_analyst",
    "business_architect",
    "application_architect",
    "infrastructure_architect",
    "solution_architect",
    "project_manager",
    "accountant",
    "developer",
]
SECONDS_MAX = 60.0


def events(stream: bytes) -> Iterator[tuple[str, str, Any]]:
    """Yield (id, name, JSON) of each server-sent event."""
    for block in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            yield fields.get("id", ""), fields["event"], json.loads(fields["data"])


@pytest.fixture(scope="module")
def rest(whole_mesh: Any) -> Rest:
    return Rest(whole_mesh)


@pytest.fixture(scope="module")
def workflow_id(rest: Rest) -> str:
    """A workflow of the chain of eight that has ended."""
    body = {"definition_name": "architecture_creation", "input": REQUEST}
    answer, content = rest.call("POST", "/api/v1/workflows", body, **{"Idempotency-Key": "museum"})
    assert answer.status == 200, content
    found = cast(str, json.loads(content)["workflow_id"])
    stream = rest.call("GET", f"/api/v1/workflows/{found}/events")[1]
    assert list(events(stream))[-1][1] == "ended"
    return found


def test_all_eight_roles_have_done_their_step(rest: Rest, workflow_id: str) -> None:
    workflow = rest.read(f"/api/v1/workflows/{workflow_id}")
    tasks = rest.read(f"/api/v1/workflows/{workflow_id}/tasks")["tasks"]

    assert workflow["status"] == "COMPLETED"
    assert [task["agent_type"] for task in tasks] == [*ROLES, "solution_architect"]
    assert {task["status"] for task in tasks} == {"COMPLETED"}


def test_the_events_are_the_history(rest: Rest, workflow_id: str) -> None:
    _, stream = rest.call("GET", f"/api/v1/workflows/{workflow_id}/events")
    told = [(int(seq), name) for seq, name, _ in events(stream) if seq]
    history = rest.read(f"/api/v1/workflows/{workflow_id}/history?page_size=1000")["events"]

    assert told == [(int(event["seq"]), event["event_type"]) for event in history]
    assert [seq for seq, _ in told] == list(range(1, len(told) + 1))


def test_last_event_id_goes_on_where_the_reader_stopped(rest: Rest, workflow_id: str) -> None:
    _, stream = rest.call("GET", f"/api/v1/workflows/{workflow_id}/events", **{"Last-Event-ID": "5"})

    assert next(events(stream))[0] == "6"


def test_the_files_can_be_fetched(rest: Rest, workflow_id: str) -> None:
    names = [one["name"] for one in rest.read(f"/api/v1/artifacts/{workflow_id}")["artifacts"]]
    answer, page = rest.call("GET", f"/api/v1/artifacts/{workflow_id}/report.html")

    assert {"report.html", "model.xml", "deliverables/requirements.json", "scaffold/README.md"} <= set(names)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"Museum tickets" in page
    assert b"time slot" in page
    assert answer.headers["ETag"] == f'"{hashlib.sha256(page).hexdigest()}"'
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="report.html"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_versions_of_a_file_are_listed_and_fetched(rest: Rest, workflow_id: str) -> None:
    listed = rest.read(f"/api/v1/artifacts/{workflow_id}?versions=true")["artifacts"]
    first, _ = rest.call("GET", f"/api/v1/artifacts/{workflow_id}/report.html?version=1")
    second, problem = rest.call("GET", f"/api/v1/artifacts/{workflow_id}/report.html?version=2")

    assert {one["version"] for one in listed} == {1}
    assert (first.status, second.status) == (200, 404)
    assert "in version 2" in json.loads(problem)["message"]


def test_a_task_shows_what_it_was_given_and_what_it_returned(rest: Rest, workflow_id: str) -> None:
    first = rest.read(f"/api/v1/workflows/{workflow_id}/tasks")["tasks"][0]
    task = rest.read(f"/api/v1/workflows/{workflow_id}/tasks/{first['task_id']}")

    assert task["input_data"]["request"]["title"] == "Museum tickets"
    assert task["result"]["requirements"]["requirements"]


def test_the_same_key_again_is_the_same_workflow(rest: Rest, workflow_id: str) -> None:
    body = {"definition_name": "architecture_creation", "input": REQUEST}
    _, content = rest.call("POST", "/api/v1/workflows", body, **{"Idempotency-Key": "museum"})

    assert json.loads(content)["workflow_id"] == workflow_id


def test_another_tenant_sees_none_of_it(whole_mesh: Any, workflow_id: str) -> None:
    stranger = Rest(whole_mesh)
    stranger._token = whole_mesh.token("viewer", "operator", tenant="globex")

    for path in ("", "/history", "/tasks", "/events"):
        answer, content = stranger.call("GET", f"/api/v1/workflows/{workflow_id}{path}")
        assert answer.status == 404
        assert json.loads(content)["details"][0]["reason"] == "WORKFLOW_NOT_FOUND"
    assert stranger.call("GET", f"/api/v1/artifacts/{workflow_id}/report.html")[0].status == 404


@needs_schemas
def test_the_model_is_valid_by_the_exchange_formats_own_schemas(rest: Rest, workflow_id: str) -> None:
    _, model = rest.call("GET", f"/api/v1/artifacts/{workflow_id}/model.xml")

    exchange_schema().assertValid(etree.fromstring(model))
