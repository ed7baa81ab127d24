"""A workflow's state as text: nothing that it holds is lost on the way."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from immutables import Map

from archwright.language.model import ErrorCategory
from services.engine.domain.events import Parent
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import (
    Arrivals,
    Compensating,
    Exhausted,
    Failure,
    KeptOutput,
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenScope,
    OpenTask,
    OpenWait,
    Workflow,
)
from services.engine.storage.state_codec import dump_workflow, load_workflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FAILURE = Failure(ErrorCategory.BUSINESS, "NO", "the domain says no")
FILLED: dict[str, Any] = {
    "workflow_id": "wf_1",
    "status": WorkflowStatus.PAUSED,
    "last_seq": 9,
    "request_id": "request",
    "parent": Parent("wf_0", "step"),
    "created_at": NOON,
    "started_at": NOON,
    "ended_at": NOON,
    "deadline": NOON,
    "paused_at": NOON,
    "paused_by": "ann",
    "retries": 2,
    "clock": 3,
    "error": "an error",
    "degraded": True,
    "missing": ("a", "b"),
    "ready": Map({"a": 1}),
    "reached": 4,
    "open": Map(
        {
            "task": OpenTask("task_1", 1, 2, NOON, 1, ("wrong",), "key", "cache"),
            "bare": OpenTask("task_2"),
            "holder": OpenHolder(3, begun=2, failed=1, case=".0", items_seq=5, results=Map({"0": 7})),
            "wait": OpenWait(1, NOON, "go"),
            "approval": OpenApproval("ap_1", ("role:boss",), 2, "00", 1, 4, NOON, ("ann",), True),
            "child": OpenChild("wf_2"),
            "fallback": OpenFallback(FAILURE),
        }
    ),
    "waiting": Map({"b": Arrivals(1, 1)}),
    "scopes": Map({"": OpenScope(2, ("a",))}),
    "outputs": Map({"a": KeptOutput([1, {"x": 2}, None], 2, "failed")}),
    "vars": Map({"v": 3}),
    "signals": Map({"go": (4, 5)}),
    "given_up": Map({"c": 6}),
    "unhandled": Map({"d": FAILURE}),
    "exhausted": Map({"c": Exhausted("task_3", 6, 2, ErrorCategory.BUSINESS, "NO")}),
    "edited": Map({"c": 7}),
    "due": Map({"wait:e": 1}),
    "compensable": Map({"f": (7, "completed")}),
    "elements": Map({"g": 8}),
    "compensating": Compensating(("f",), "a", FAILURE),
    "compensated": True,
    "requesters": ("ann", "bob"),
    "agreed": Map({"review": ("bob",)}),
    "files": Map({"report.html": "00"}),
    "requests": ("r1", "r2"),
    "completed": 5,
    "spent_tokens": 1234,
    "spent_micros": 56,
}


def test_every_field_of_a_state_is_tried() -> None:
    assert {each.name for each in dataclasses.fields(Workflow)} == set(FILLED)


@pytest.mark.parametrize("name", sorted(set(FILLED) - {"workflow_id", "status", "last_seq", "created_at"}))
def test_a_field_of_a_state_survives_its_text(name: str) -> None:
    plain = {each: FILLED[each] for each in ("workflow_id", "status", "last_seq", "created_at")}
    workflow = Workflow(**plain, **{name: FILLED[name]})

    assert load_workflow("wf_1", WorkflowStatus.PAUSED, dump_workflow(workflow)) == workflow


def test_a_state_with_everything_survives_its_text() -> None:
    workflow = Workflow(**FILLED)

    assert load_workflow("wf_1", WorkflowStatus.PAUSED, dump_workflow(workflow)) == workflow
