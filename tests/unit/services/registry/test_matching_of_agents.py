"""Which agents could take a task, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from archwright.language.requirement import Requirement
from services.registry.domain.agent import Agent, Status
from services.registry.domain.health import status_of
from services.registry.domain.matching import Strategy, Wish, matching

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANY = Wish(Requirement("developer"), 1, Strategy.ROUND_ROBIN, 10)


def agent(agent_id: str, **different: object) -> Agent:
    known = Agent(
        *("acme", agent_id, "developer", ("code@1.4.0",), 4, 0, ""),
        labels={"zone": "eu"},
        said=Status.ONLINE,
        is_silent=False,
        registered_at=NOON,
        last_heartbeat=NOON,
    )
    return replace(known, **different)  # type: ignore[arg-type]


def ids_of(agents: object) -> list[str]:
    return [each.agent_id for each in agents]  # type: ignore[attr-defined]


def test_each_turn_begins_with_the_next_of_those_that_fit() -> None:
    agents = [agent("c"), agent("a"), agent("b")]

    assert [ids_of(matching(agents, ANY, turn)) for turn in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_the_least_busy_come_first_by_share_and_then_by_free_slots() -> None:
    agents = [
        agent("half", current_task_count=2),
        agent("small", max_concurrent_tasks=1),
        agent("idle"),
        agent("quarter", current_task_count=1),
    ]
    least = replace(ANY, strategy=Strategy.LEAST_CONNECTIONS)

    assert ids_of(matching(agents, least, 7)) == ["idle", "small", "quarter", "half"]


def test_a_capability_is_matched_by_its_range_of_versions_and_labels_by_their_values() -> None:
    agents = [agent("old", capabilities=("code@1.1.0",)), agent("new"), agent("far", labels={"zone": "us"})]
    wish = replace(ANY, requirement=Requirement(capability="code", versions="^1.2", labels={"zone": "eu"}))

    assert ids_of(matching(agents, wish, 0)) == ["new"]


def test_whoever_gets_no_new_work_or_has_too_little_room_is_left_out() -> None:
    agents = [
        agent("drained", drained_by="ada"),
        agent("silent", is_silent=True),
        agent("unwell", failed_probes=3),
        agent("full", current_task_count=4),
        agent("nearly", current_task_count=3),
        agent("free"),
    ]

    assert ids_of(matching(agents, replace(ANY, free_slots_min=2), 0)) == ["free"]


@given(
    st.lists(st.builds(lambda n, used: agent(f"a{n}", current_task_count=used), st.integers(0, 30), st.integers(0, 5))),
    st.integers(0, 1_000_000),
    st.integers(1, 5),
    st.sampled_from(Strategy),
)
def test_only_agents_with_room_are_named_each_once_and_never_too_many(
    agents: list[Agent], turn: int, limit: int, strategy: Strategy
) -> None:
    different = list({each.key: each for each in agents}.values())
    found = matching(different, replace(ANY, limit=limit, strategy=strategy), turn)

    assert len(found) == min(limit, sum(status_of(each) is Status.ONLINE for each in different))
    assert len({each.key for each in found}) == len(found)
    assert all(each.free_slots >= 1 for each in found)
