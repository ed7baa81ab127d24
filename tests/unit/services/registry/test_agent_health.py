"""How an agent stands, by its heartbeats, its word and its load."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.agent import Agent, Status, tenants_seen_by
from services.registry.domain.health import health_of, silent_since, status_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AGENT = Agent(
    tenant="acme",
    agent_id="a1",
    agent_type="developer",
    capabilities=(),
    max_concurrent_tasks=2,
    current_task_count=0,
    health_check_url="",
    labels={},
    said=Status.ONLINE,
    is_silent=False,
    registered_at=NOON,
    last_heartbeat=NOON,
)


@pytest.mark.parametrize("said", [Status.ONLINE, Status.BUSY, Status.ERROR, Status.DRAINING])
def test_an_agent_with_free_slots_stands_as_it_says(said: Status) -> None:
    assert status_of(replace(AGENT, said=said)) is said


@pytest.mark.parametrize("count", [2, 3])
def test_an_agent_without_a_free_slot_is_busy(count: int) -> None:
    assert status_of(replace(AGENT, current_task_count=count)) is Status.BUSY


@pytest.mark.parametrize("said", [Status.ERROR, Status.DRAINING])
def test_load_does_not_hide_what_an_agent_says(said: Status) -> None:
    assert status_of(replace(AGENT, said=said, current_task_count=2)) is said


@given(st.sampled_from(Status), st.integers(0, 5))
def test_a_silent_agent_is_offline_whatever_it_said(said: Status, count: int) -> None:
    assert status_of(replace(AGENT, said=said, current_task_count=count, is_silent=True)) is Status.OFFLINE


@given(st.sampled_from(Status), st.integers(0, 5), st.booleans())
def test_only_an_agent_that_is_online_gets_work_and_every_other_has_a_reason(
    said: Status, count: int, is_silent: bool
) -> None:
    agent = replace(AGENT, said=said, current_task_count=count, is_silent=is_silent)
    health = health_of(agent)

    assert health.is_healthy == (status_of(agent) is Status.ONLINE)
    assert bool(health.reason) != health.is_healthy


@pytest.mark.parametrize(
    ("different", "status"),
    [
        ({"drained_by": "ada"}, Status.DRAINING),
        ({"drained_by": "ada", "current_task_count": 2}, Status.DRAINING),
        ({"failed_probes": 2}, Status.ONLINE),
        ({"failed_probes": 3}, Status.ERROR),
        ({"failed_probes": 3, "drained_by": "ada"}, Status.ERROR),
        ({"failed_probes": 9, "is_silent": True}, Status.OFFLINE),
        ({"said": Status.BUSY, "drained_by": "ada"}, Status.DRAINING),
    ],
)
def test_what_weighs_most_decides(different: dict[str, object], status: Status) -> None:
    assert status_of(replace(AGENT, **different)) is status  # type: ignore[arg-type]


@given(st.sampled_from(Status), st.integers(0, 5), st.booleans(), st.integers(0, 5), st.sampled_from(["", "ada"]))
def test_no_trouble_ever_makes_an_agent_stand_better(
    said: Status, count: int, is_silent: bool, failed: int, drained_by: str
) -> None:
    worse = [Status.ONLINE, Status.BUSY, Status.DRAINING, Status.ERROR, Status.OFFLINE]
    agent = replace(AGENT, said=said, current_task_count=count)
    troubled = replace(agent, is_silent=is_silent, failed_probes=failed, drained_by=drained_by)

    assert worse.index(status_of(troubled)) >= worse.index(status_of(agent))


def test_the_reason_tells_who_decided_and_what_failed() -> None:
    assert (
        "ada keeps it from new work. `archwright agents resume a1`"
        in health_of(replace(AGENT, drained_by="ada")).reason
    )
    unwell = replace(AGENT, failed_probes=4, probe_problem="no answer within 3 s.")
    assert health_of(unwell).reason == "Its health check failed 4 times in a row: no answer within 3 s."


def test_the_reason_names_what_is_known() -> None:
    assert "2 of 2 slots" in health_of(replace(AGENT, current_task_count=2)).reason
    assert "2026-01-01T12:00:00Z" in health_of(replace(AGENT, is_silent=True)).reason


def test_three_missed_heartbeats_are_silence() -> None:
    assert silent_since(NOON, heartbeat_seconds=10) == NOON - timedelta(seconds=30)


def test_a_tenant_sees_its_own_agents_first_and_the_platforms() -> None:
    assert tenants_seen_by("acme") == ("acme", "platform")
    assert tenants_seen_by("platform") is None
