"""Each role alone, through the gateway: one call a role, and what one says the next is given."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest import Rest

from archwright.agents.v1 import business_analyst_service_pb2, business_analyst_service_pb2_grpc
from archwright.agents.v1.role_pb2 import ArchitectureRequest
from archwright.channel import bearer, open_channel
from archwright.testing import performed
from services.agents.deliverables import from_json
from services.agents.direct.service import descriptor, task_type
from services.agents.roles.business_analyst.service import agent as business_analyst

REQUEST = {
    "title": "Museum tickets",
    "request": "A museum sells tickets online. Visitors book a time slot and pay by card. Budget: 200,000 EUR.",
}
CHAIN = (
    ("requirements", "business_analyst", "analyze"),
    ("business", "business_architect", "design"),
    ("application", "application_architect", "design"),
    ("infrastructure", "infrastructure_architect", "design"),
    ("solution", "solution_architect", "design"),
    ("plan", "project_manager", "plan"),
    ("finance", "accountant", "estimate"),
    ("scaffold", "developer", "generate"),
)
METHODS = [(role, task_type(method)) for _, role, _ in CHAIN for method in descriptor(role).methods]


@pytest.fixture(scope="module")
def rest(whole_mesh: Any) -> Rest:
    return Rest(whole_mesh)


def updates(rest: Rest, role: str, method: str, body: object) -> list[Any]:
    answer, content = rest.call("POST", f"/api/v1/roles/{role}:{method}", body)
    assert answer.status == 200, content
    found = json.loads(content)
    assert isinstance(found, list)
    return found


def taken_by(role: str, method: str) -> Iterator[str]:
    """Yield what a method can be given."""
    [found] = [one for one in descriptor(role).methods if task_type(one) == method]
    yield from (field.name for field in found.input_type.fields)


@pytest.fixture(scope="module")
def known(rest: Rest) -> dict[str, Any]:
    """The request, and what each of the eight made of it and of what those before it made."""
    known: dict[str, Any] = {"request": REQUEST}
    for key, role, method in CHAIN:
        given = {name: known[name] for name in taken_by(role, method)}
        *_, last = updates(rest, role, method, given)
        known[key] = last["output"]
    return known


def test_the_eight_make_their_deliverables_one_call_each(known: dict[str, Any]) -> None:
    assert [key for key, *_ in CHAIN if key not in known[key]] == []
    assert [key for key, *_ in CHAIN if known[key]["degraded"]] == []


async def test_a_call_gives_what_a_step_of_a_workflow_gives(known: dict[str, Any]) -> None:
    step = await performed(business_analyst, {"request": REQUEST}, task_type="analyze")

    assert from_json(known["requirements"]) == from_json(step.output)


@pytest.mark.parametrize(("role", "method"), METHODS)
def test_every_method_answers_with_an_output_of_its_role(
    rest: Rest, known: dict[str, Any], role: str, method: str
) -> None:
    given = {name: known[name] for name in taken_by(role, method) if name in known}

    first, *_, last = updates(rest, role, method, given)

    assert first["progress"]["message"]
    assert (last["output"]["agent_type"], last["output"]["task_type"]) == (role, method)
    assert not last["output"]["degraded"]


@pytest.mark.parametrize(("role", "method"), METHODS)
def test_what_the_roles_made_is_found_right_by_whoever_reviews_it(
    rest: Rest, known: dict[str, Any], role: str, method: str
) -> None:
    if method == "review":
        given = {name: known[name] for name in taken_by(role, method) if name in known}
        *_, last = updates(rest, role, method, given)
        assert last["output"]["review"]["errors"] == 0, last["output"]["findings"]
        assert not last["output"]["degraded"]


def test_files_of_the_report_come_along_whole(rest: Rest, known: dict[str, Any]) -> None:
    found: dict[str, bytes] = {}
    sizes: dict[str, int] = {}
    for update in updates(rest, "solution_architect", "generate", known):
        if "file" in update:
            file = update["file"]
            found[file["name"]] = found.get(file["name"], b"") + base64.b64decode(file["content"])
            sizes[file["name"]] = int(file["size_bytes"])

    assert {"report.html", "report.md", "model.xml"} <= set(found)
    assert {name: len(content) for name, content in found.items()} == sizes
    assert found["report.html"].startswith(b"<!doctype html>")


def test_files_of_the_repository_are_those_that_its_list_names(rest: Rest, known: dict[str, Any]) -> None:
    *said, last = updates(
        rest, "developer", "generate", {name: known[name] for name in taken_by("developer", "generate")}
    )
    content = {one["file"]["name"]: base64.b64decode(one["file"]["content"]) for one in said if "file" in one}

    listed = {f"scaffold/{file['path']}": file["sha256"] for file in last["output"]["scaffold"]["files"]}

    assert {name: hashlib.sha256(text).hexdigest() for name, text in content.items()} == listed


async def test_a_role_is_called_over_grpc_as_well(whole_mesh: Any) -> None:
    request = business_analyst_service_pb2.AnalyzeRequirementsRequest(request=ArchitectureRequest(**REQUEST))
    async with open_channel(whole_mesh.record.gateway, ca_file=Path(whole_mesh.record.ca_file)) as channel:
        stub = business_analyst_service_pb2_grpc.BusinessAnalystServiceStub(channel)
        answer = stub.AnalyzeRequirements(request, metadata=bearer(whole_mesh.token("operator")))
        said = [update.WhichOneof("update") async for update in answer]

    assert said == ["progress", "progress", "output"]


def test_input_that_cannot_be_worked_on_is_refused_by_name(rest: Rest) -> None:
    answer, content = rest.call("POST", "/api/v1/roles/business_analyst:analyze", {})

    assert answer.status == 400
    assert "needs `request`" in json.loads(content)["message"]


def test_whoever_only_reads_may_not_set_a_role_to_work(whole_mesh: Any) -> None:
    answer, content = Rest(whole_mesh, "viewer").call("POST", "/api/v1/roles/business_analyst:analyze", {})

    assert answer.status == 403, content
    assert json.loads(content)["details"][0]["reason"] == "ROLE_DENIED"
