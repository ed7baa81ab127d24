"""What lists may be asked for: filters, orders and page tokens, read and refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archwright import ids
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestInvalid
from services.engine.api.listing import token_of, wanted_of
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.history import Wanted

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def wanted(filter: str = "", **more: object) -> Wanted:  # noqa: A002 - the word of the contract
    return wanted_of(pb.ListWorkflowsRequest(filter=filter, **more))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Wanted()),
        ("   ", Wanted()),
        ("status = failed", Wanted(status=WorkflowStatus.FAILED)),
        ("status=FAILED", Wanted(status=WorkflowStatus.FAILED)),
        ("status != completed", Wanted(unlike_status=WorkflowStatus.COMPLETED)),
        ('user_id = "ann@example.org"', Wanted(user_id="ann@example.org")),
        ("user_id = ann AND session_id = s-1", Wanted(user_id="ann", session_id="s-1")),
        ("user_id = ANDREW AND definition_version = 1.0.0", Wanted(user_id="ANDREW", definition_version="1.0.0")),
        ('created_at >= "2026-11-01T12:00:00Z"', Wanted(created_from=NOON)),
        ('created_at < "2026-11-01T12:00:00"', Wanted(created_before=NOON)),
        ('created_at > "2026-11-01T11:59:59.999Z"', Wanted(created_from=NOON)),
        ('created_at <= "2026-11-01T11:59:59.999Z"', Wanted(created_before=NOON)),
        (
            'created_at >= "2026-10-01T00:00:00Z" AND created_at >= "2026-11-01T12:00:00Z"',
            Wanted(created_from=NOON),
        ),
        ('created_at >= "1200-01-01T00:00:00Z"', Wanted(created_from=datetime(1970, 1, 1, tzinfo=UTC))),
    ],
)
def test_a_filter_says_which_workflows_are_wanted(text: str, means: Wanted) -> None:
    assert wanted(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "status =",
        "= failed",
        "status = failed AND",
        "status = failed status = failed",
        "status = failed, user_id = ann",
        "(status = failed)",
        "NOT status = failed",
        'user_id = "ann',
        "status = failed AND status = running",
        "status != failed AND status != running",
        "user_id = ann AND user_id = bob",
        "user_id = ''",
        'user_id = ""',
        "user_id != ann",
        "created_at = 2026",
        'created_at >= "2026-13-01"',
        "labels.team = red",
        "x" * 1_001,
    ],
)
def test_a_filter_of_another_form_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        wanted(text)

    assert [each.field for each in refused.value.violations] == ["filter"]


def test_the_fields_of_the_request_narrow_the_filter() -> None:
    assert wanted("user_id = ann", status=pb.Workflow.FAILED, definition_name="chain") == Wanted(
        status=WorkflowStatus.FAILED, definition_name="chain", user_id="ann"
    )
    with pytest.raises(RequestInvalid):
        wanted("status = running", status=pb.Workflow.FAILED)


@pytest.mark.parametrize(
    ("order_by", "oldest_first"),
    [("", False), ("created_at", True), ("created_at asc", True), (" created_at  desc ", False)],
)
def test_an_order_is_by_time(order_by: str, oldest_first: bool) -> None:
    assert wanted(order_by=order_by).oldest_first is oldest_first


def test_a_page_token_goes_on_with_the_same_list_only() -> None:
    last = ids.show("wf", ids.new_uuid())
    token = token_of(wanted("status = failed"), last)

    assert wanted("status = failed", page_token=token) == Wanted(status=WorkflowStatus.FAILED, after=last)
    assert token_of(wanted("status = failed", page_token=token), last) == token
    for other in ("", "status = running"):
        with pytest.raises(RequestInvalid, match="another filter or order"):
            wanted(other, page_token=token)
    with pytest.raises(RequestInvalid, match="another filter or order"):
        wanted("status = failed", page_token=token, order_by="created_at")


@pytest.mark.parametrize("token", ["x", "wf_", "-", "task_00000000000000000000000000-12345678"])
def test_a_page_token_that_no_list_returned_is_refused(token: str) -> None:
    with pytest.raises(RequestInvalid, match="not one that a list returned"):
        wanted(page_token=token)
