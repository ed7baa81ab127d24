"""What may and may not be put on the bus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.bus.event import BusEvent, to_cloud_event
from services.bus.port import PARTITIONS, partition_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_unknown_event_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'task_done' is no event type"):
        BusEvent("acme", "wf_1", 1, "task_done", NOON)


def test_what_is_shown_live_only_is_refused() -> None:
    with pytest.raises(ValueError, match="history lane"):
        BusEvent("acme", "wf_1", 1, "task_progress", NOON)


def test_what_the_catalogue_does_not_list_never_gets_on_the_bus() -> None:
    with pytest.raises(ValueError, match="may not carry output"):
        BusEvent("acme", "wf_1", 1, "task_completed", NOON, {"output": "secret", "attempt": "1"})


def test_seq_counts_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        BusEvent("acme", "wf_1", 0, "workflow_started", NOON)


def test_time_is_written_in_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=2)))
    assert to_cloud_event(BusEvent("acme", "wf_1", 1, "workflow_started", local))["time"] == "2026-11-22T12:00:00Z"


def test_a_workflow_without_a_trace_has_no_traceparent() -> None:
    assert "traceparent" not in to_cloud_event(BusEvent("acme", "wf_1", 1, "workflow_started", NOON))


def test_a_workflow_keeps_its_partition_across_processes_and_versions() -> None:
    # CRC-32's published check value of this text is 0xCBF43926.
    assert partition_of("123456789") == 0xCBF43926 % 16
    assert PARTITIONS == 16
