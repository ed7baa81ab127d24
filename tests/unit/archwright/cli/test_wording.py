"""What every kind of event says to people."""

from __future__ import annotations

import pytest

from archwright.cli.wording import said_by
from archwright.events.catalogue import CATALOGUE, Lane
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

SAYS_NOTHING = {"workflow_started", "scope_started", "timer_due"}


def said(kind: str, payload: dict[str, object], agent_type: str = "") -> str:
    event = WorkflowEvent(event_type=kind, step="assess[3]/check", agent_type=agent_type)
    event.payload.update(payload)
    found = said_by(event)
    return "" if found is None else found.words


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("step_started", {"items": [1, 2]}, "begins: 2 elements"),
        ("step_started", {"case": "0"}, "takes '0'"),
        ("step_started", {}, "begins"),
        ("step_completed", {}, "done"),
        ("step_completed", {"source": "cache"}, "taken from the cache"),
        ("step_completed", {"source": "rerun"}, "taken over"),
        ("step_completed", {"source": "fallback"}, "done by its fallback, degraded"),
        ("step_completed", {"degraded": True}, "done, degraded"),
        ("step_skipped", {"reason": "its `when` is false"}, "skipped: its `when` is false"),
        ("failure_tolerated", {"message": "no"}, "failed, and the workflow goes on without it: no"),
        ("scope_ended", {"failed": False}, ""),
        ("scope_ended", {"failed": True, "scope": "a.b", "message": "no"}, "a.b failed, and is done without: no"),
        ("wait_started", {"signal": "go", "until": None}, "waits for the signal 'go'"),
        ("approval_decided", {"user_id": "ann", "approved": False, "comment": ""}, "ann does not agree"),
        ("approval_decided", {"user_id": "ann", "approved": True, "comment": "fine"}, "ann agrees: fine"),
        ("task_repair_requested", {"errors": ["a", "b"]}, "its output does not fit and goes back: a; b"),
        ("compensation_started", {"steps": ["a"]}, "has failed; 1 step will be undone first"),
        ("workflow_completed", {"degraded": False}, "workflow completed"),
        ("workflow_completed", {"degraded": True, "missing": ["a"]}, "workflow completed, degraded: without a"),
        ("workflow_completed", {"degraded": True}, "workflow completed, degraded"),
        ("workflow_paused", {"user_id": "ann", "reason": "tea"}, "paused by ann: tea"),
        ("workflow_retried", {"user_id": ""}, "retried"),
        ("workflow_created", {"rerun_of": ""}, ""),
        ("workflow_created", {"rerun_of": "wf_1"}, "goes on from wf_1"),
    ],
)
def test_an_event_says_what_happened(kind: str, payload: dict[str, object], words: str) -> None:
    assert said(kind, payload) == words


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        ("business_analyst", "for the business analyst"),
        ("capability:pricing@^1.2;region=eu", "for an agent that is capability:pricing@^1.2;region=eu"),
    ],
)
def test_a_task_says_whom_it_is_for(queue: str, words: str) -> None:
    assert said("task_created", {}, queue) == words


@pytest.mark.parametrize("kind", [name for name, event in CATALOGUE.items() if event.lane is Lane.HISTORY])
def test_every_kind_of_event_can_be_told_whatever_is_in_it(kind: str) -> None:
    full = {"failed": True, "rerun_of": "wf_1", "until": "2026-06-01T12:00:00Z"}

    assert bool(said(kind, full)) is (kind not in SAYS_NOTHING)
