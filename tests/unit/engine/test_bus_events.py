"""What of an event everybody may be told, as text."""

from __future__ import annotations

from datetime import UTC, datetime

from services.engine.bus_events import routing_of
from services.engine.domain.events import ApprovalDecided, StepCompleted, WaitStarted

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_what_people_say_stays_in_history() -> None:
    decided = ApprovalDecided(NOON, "consent", "approval_1", "ann", True, "between us", "00")

    assert routing_of(decided) == {"approval_id": "approval_1", "approved": "true"}


def test_truth_is_told_as_json_tells_it() -> None:
    assert routing_of(StepCompleted(NOON, "a", {"secret": 1}, degraded=False))["degraded"] == "false"


def test_what_is_null_is_left_out_and_times_are_text() -> None:
    assert routing_of(WaitStarted(NOON, "a", None, "go")) == {"signal": "go"}
    assert routing_of(WaitStarted(NOON, "a", NOON)) == {"signal": "", "until": "2026-06-01T12:00:00Z"}
