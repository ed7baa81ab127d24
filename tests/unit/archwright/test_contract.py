from __future__ import annotations

import re

import pytest

from archwright.contract import Binding, Contract, Failure, Method, contract


@pytest.fixture
def spoken() -> Contract:
    return contract()


def _method(spoken: Contract, name: str) -> Method:
    return next(method for method in spoken.methods() if method.name == name)


def test_a_method_knows_its_paths_and_who_may_call_it(spoken: Contract) -> None:
    start = _method(spoken, "StartWorkflow")

    assert start.path == "/archwright.engine.v1.WorkflowService/StartWorkflow"
    assert start.binding == Binding("post", "/api/v1/workflows", "*")
    assert start.roles == ("operator", "admin")
    assert not start.anonymous


def test_a_methods_errors_are_taken_from_its_comment(spoken: Contract) -> None:
    get = _method(spoken, "GetWorkflow")

    assert get.failures == (Failure("NOT_FOUND", "WORKFLOW_NOT_FOUND", "no workflow of this tenant has this id."),)
    assert get.comment == "Gets a workflow."


def test_a_method_without_errors_of_its_own_still_documents_that(spoken: Contract) -> None:
    openapi = _method(spoken, "GetOpenApi")

    assert openapi.documents_errors
    assert openapi.failures == ()


def test_comments_are_found_by_the_full_name_of_what_they_lead(spoken: Contract) -> None:
    assert spoken.comments["archwright.engine.v1.Workflow"] == "One execution of a definition."
    assert spoken.comments["archwright.engine.v1.Workflow.Status"] == "Where a workflow stands."
    assert spoken.comments["archwright.engine.v1.Workflow.Status.RUNNING"].startswith("Under way.")
    assert spoken.comments["archwright.engine.v1.ListTasksRequest.workflow_id"] == "Required. `wf_…`."


def test_only_a_stream_of_bodies_with_a_cursor_is_an_event_stream(spoken: Contract) -> None:
    assert [method.name for method in spoken.methods() if spoken.is_event_stream(method)] == ["WatchWorkflowSse"]


@pytest.mark.parametrize(
    ("template", "fits", "does_not"),
    [
        ("/api/v1/workflows/{workflow_id}/events", "/api/v1/workflows/wf_1/events", "/api/v1/workflows/a/b/events"),
        ("/api/v1/workflows/{workflow_id}:cancel", "/api/v1/workflows/wf_1:cancel", "/api/v1/workflows/wf_1"),
        ("/api/v1/artifacts/{workflow_id}/{name=**}", "/api/v1/artifacts/wf_1/a/b.json", "/api/v1/artifacts/wf_1"),
        ("/openapi.json", "/openapi.json", "/openapi-json"),
    ],
)
def test_a_template_fits_its_own_paths_only(template: str, fits: str, does_not: str) -> None:
    pattern = re.compile(Binding("get", template, "").regex)

    assert pattern.fullmatch(fits)
    assert not pattern.fullmatch(does_not)


def test_a_templates_variables_are_bare_in_its_path() -> None:
    binding = Binding("get", "/api/v1/artifacts/{workflow_id}/{name=**}", "")

    assert binding.variables == ("workflow_id", "name")
    assert binding.path == "/api/v1/artifacts/{workflow_id}/{name}"
