"""What every AgentStore does, in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from archwright import ids
from services.registry.domain.agent import CapabilityDetail, Heartbeat, Key, Status
from services.registry.domain.audit import AuditEvent
from services.registry.domain.registration import Registration
from services.registry.ports import AgentStore
from services.registry.storage.agents import PostgresAgents
from services.registry.storage.database import Database
from services.registry.storage.memory import MemoryAgents

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


@pytest.fixture(scope="module")
async def pool(database) -> AsyncIterator[Database]:
    pool = Database(database.dsn("archwright_registry"), pool_max=2)
    yield pool
    await pool.close()


@pytest.fixture(params=["postgres", "memory"])
async def store(request: pytest.FixtureRequest, pool: Database) -> AsyncIterator[AgentStore]:
    agents: AgentStore = MemoryAgents() if request.param == "memory" else PostgresAgents(pool)
    yield agents
    for agent in (await agents.everybody()).agents:
        await agents.remove(agent.key, NOON, "")
    await agents.forget_removed(datetime.max.replace(tzinfo=UTC))


def wish(agent_id: str = "a1", tenant: str = "acme", agent_type: str = "developer", slots: int = 2) -> Registration:
    return Registration(
        tenant, agent_id, agent_type, ("code", "review@2"), slots, "grpc://host:1", {"zone": "eu", "tier": "gold"}
    )


def beat(key: Key, said: Status = Status.ONLINE, count: int = 0, at: datetime = LATER) -> Heartbeat:
    return Heartbeat(key, said, count, at)


async def test_an_agent_comes_back_as_it_was_registered(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)

    assert agent == await store.get("a1", ("acme",))
    assert agent.capabilities == ("code", "review@2")
    assert agent.labels == {"zone": "eu", "tier": "gold"}
    assert (agent.registered_at, agent.last_heartbeat) == (NOON, NOON)


async def test_registering_again_renews_what_changed_and_keeps_when_it_began(store: AgentStore) -> None:
    await store.put(wish(slots=2), NOON)

    renewed = await store.put(wish(slots=5), LATER)

    assert renewed.max_concurrent_tasks == 5
    assert renewed.registered_at == NOON
    assert renewed.last_heartbeat == LATER


async def test_an_agent_of_another_tenant_is_not_there(store: AgentStore) -> None:
    await store.put(wish(), NOON)

    assert await store.get("a1", ("globex", "platform")) is None
    assert await store.page(("globex",), agent_type="", after=None, limit=10) == []


async def test_the_tenants_own_agent_comes_before_the_platforms_of_the_same_id(store: AgentStore) -> None:
    await store.put(wish(tenant="platform"), NOON)
    await store.put(wish(tenant="zeta"), NOON)

    found = await store.get("a1", ("zeta", "platform"))

    assert found is not None
    assert found.tenant == "zeta"


async def test_everybodys_agents_are_found_when_no_tenant_is_named(store: AgentStore) -> None:
    await store.put(wish("a1", "acme"), NOON)
    await store.put(wish("a2", "globex"), NOON)

    assert await store.get("a2", None) is not None
    assert [agent.agent_id for agent in await store.page(None, agent_type="", after=None, limit=10)] == ["a1", "a2"]


async def test_pages_go_by_id_and_then_tenant_and_meet_without_a_gap(store: AgentStore) -> None:
    for agent_id, tenant in (("b", "acme"), ("a", "platform"), ("a", "acme"), ("c", "platform")):
        await store.put(wish(agent_id, tenant), NOON)
    tenants = ("acme", "platform")

    first = await store.page(tenants, agent_type="", after=None, limit=2)
    second = await store.page(tenants, agent_type="", after=first[-1].key, limit=2)

    assert [agent.key for agent in (*first, *second)] == [
        Key("acme", "a"),
        Key("platform", "a"),
        Key("acme", "b"),
        Key("platform", "c"),
    ]


async def test_a_page_holds_only_the_type_that_was_asked_for(store: AgentStore) -> None:
    await store.put(wish("a1", agent_type="developer"), NOON)
    await store.put(wish("a2", agent_type="accountant"), NOON)

    found = await store.page(("acme",), agent_type="accountant", after=None, limit=10)

    assert [agent.agent_id for agent in found] == ["a2"]


async def test_a_removed_agent_is_gone_and_may_register_anew(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)

    assert await store.remove(agent.key, LATER, "r1")
    assert await store.get("a1", ("acme",)) is None
    assert (await store.put(wish(), LATER)).registered_at == LATER


async def test_removing_again_succeeds_only_for_the_request_that_did_it(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    await store.remove(agent.key, LATER, "r1")

    assert await store.remove(agent.key, LATER, "r1")
    assert not await store.remove(agent.key, LATER, "r2")
    assert not await store.remove(agent.key, LATER, "")
    assert not await store.remove(Key("acme", "never"), LATER, "r1")


async def test_heartbeats_are_kept_for_those_who_are_registered(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    gone = await store.put(wish("gone"), NOON)
    await store.remove(gone.key, NOON, "")

    kept = await store.note(
        [beat(agent.key, Status.DRAINING, 1), beat(gone.key), beat(Key("acme", "never")), beat(Key("globex", "a1"))]
    )

    noted = await store.get("a1", ("acme",))
    assert set(kept) == {agent.key}
    assert noted is not None
    assert (noted.said, noted.current_task_count, noted.last_heartbeat) == (Status.DRAINING, 1, LATER)


async def test_a_late_heartbeat_does_not_turn_time_back(store: AgentStore) -> None:
    agent = await store.put(wish(), LATER)

    await store.note([beat(agent.key, at=NOON)])

    noted = await store.get("a1", ("acme",))
    assert noted is not None
    assert noted.last_heartbeat == LATER


async def test_the_silent_are_marked_once_and_heard_again(store: AgentStore) -> None:
    silent = await store.put(wish("silent"), NOON)
    await store.put(wish("loud"), LATER)

    assert list(await store.mark_silent(LATER)) == [silent.key]
    assert list(await store.mark_silent(LATER)) == []

    await store.note([beat(silent.key)])
    heard = await store.get("silent", ("acme",))
    assert heard is not None
    assert not heard.is_silent


async def test_agents_that_were_lost_long_ago_are_registered_no_longer(store: AgentStore) -> None:
    lost, drained = await store.put(wish("lost"), NOON), await store.put(wish("drained"), NOON)
    await store.set_drained(drained.key, "ada", audit("SetAgentStatus"))
    await store.put(wish("quiet"), NOON)
    await store.mark_silent(LATER)
    await store.note([beat(Key("acme", "quiet"))])
    await store.put(wish("late"), LATER)
    cursor = (await store.everybody()).cursor

    assert list(await store.remove_lost(NOON, LATER)) == []
    assert list(await store.remove_lost(LATER, LATER)) == [lost.key]
    assert list(await store.remove_lost(LATER, LATER)) == []

    assert list((await store.changes_since(cursor)).removed) == [lost.key]
    assert {agent.agent_id for agent in (await store.everybody()).agents} == {"drained", "quiet", "late"}
    assert (await store.put(wish("lost"), LATER)).agent_id == "lost"


async def test_a_follower_is_told_of_every_kind_of_change(store: AgentStore) -> None:
    kept, gone = await store.put(wish("kept"), NOON), await store.put(wish("gone"), NOON)
    everybody = await store.everybody()
    assert {agent.key for agent in everybody.agents} == {kept.key, gone.key}

    await store.put(wish("new"), LATER)
    await store.remove(gone.key, LATER, "")
    await store.note([beat(kept.key, Status.BUSY)])
    changes = await store.changes_since(everybody.cursor)

    assert {agent.key for agent in changes.agents} == {kept.key, Key("acme", "new")}
    assert list(changes.removed) == [gone.key]


async def test_a_heartbeat_that_says_nothing_new_is_no_change(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    cursor = (await store.everybody()).cursor

    await store.note([beat(agent.key)])

    assert list((await store.changes_since(cursor)).agents) == []


async def test_what_was_removed_long_ago_is_forgotten(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    cursor = (await store.everybody()).cursor
    await store.remove(agent.key, NOON, "r1")

    await store.forget_removed(NOON)
    assert list((await store.changes_since(cursor)).removed) == [agent.key]
    await store.forget_removed(LATER)

    assert list((await store.changes_since(cursor)).removed) == []
    assert not await store.remove(agent.key, LATER, "r1")


async def test_a_store_that_answers_is_up(store: AgentStore) -> None:
    assert await store.is_up()


def audit(action: str) -> AuditEvent:
    return AuditEvent(ids.new_uuid(), NOON, "ada", action, "a1", "ok", "", "")


async def test_an_operators_decision_outlives_registering_anew_and_not_the_registration(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)

    drained = await store.set_drained(agent.key, "ada", audit("SetAgentStatus"))
    assert drained is not None
    assert drained.drained_by == "ada"
    assert (await store.put(wish(), LATER)).drained_by == "ada"
    resumed = await store.set_drained(agent.key, "", audit("SetAgentStatus"))
    assert resumed is not None
    assert resumed.drained_by == ""

    await store.set_drained(agent.key, "ada", audit("SetAgentStatus"))
    await store.remove(agent.key, LATER, "r1", audit("DeregisterAgent"))
    assert (await store.put(wish(), LATER)).drained_by == ""


async def test_nobody_who_is_not_registered_is_drained(store: AgentStore) -> None:
    assert await store.set_drained(Key("acme", "never"), "ada", audit("SetAgentStatus")) is None


async def test_a_decision_is_a_change_that_followers_hear_of(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    cursor = (await store.everybody()).cursor

    await store.set_drained(agent.key, "ada", audit("SetAgentStatus"))

    assert [each.drained_by for each in (await store.changes_since(cursor)).agents] == ["ada"]


async def test_what_an_agent_says_of_its_capabilities_comes_back(store: AgentStore) -> None:
    detail = CapabilityDetail("code", {"type": "object"}, {"type": "array"}, {"language": "python"})

    await store.put(replace(wish(), capability_details=(detail,)), NOON)

    found = await store.get("a1", ("acme",))
    assert found is not None
    assert found.capability_details == (detail,)


async def test_candidates_are_heard_of_and_of_the_type_and_the_labels_that_are_asked_for(store: AgentStore) -> None:
    await store.put(wish("a1"), NOON)
    await store.put(wish("silent"), NOON - timedelta(days=1))
    await store.put(wish("other", agent_type="accountant"), NOON)
    await store.put(wish("theirs", tenant="globex"), NOON)
    await store.mark_silent(NOON)

    found = await store.candidates(("acme", "platform"), agent_type="developer", labels={"zone": "eu"})

    assert [agent.agent_id for agent in found] == ["a1"]
    assert await store.candidates(("acme",), agent_type="", labels={"zone": "us"}) == []


async def test_a_health_check_is_due_once_for_all_replicas_until_its_next_time(store: AgentStore) -> None:
    await store.put(wish("asked"), NOON)
    await store.put(replace(wish("no-url"), health_check_url=""), NOON)
    again = LATER + timedelta(seconds=10)

    assert [agent.agent_id for agent in await store.due_probes(LATER, again, 10)] == ["asked"]
    assert await store.due_probes(LATER, again, 10) == []
    assert [agent.agent_id for agent in await store.due_probes(again, again, 10)] == ["asked"]


async def test_failed_health_checks_add_up_and_one_success_ends_them(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)
    cursor = (await store.everybody()).cursor

    for _ in range(3):
        await store.note_probe(agent.key, agent.health_check_url, "no answer")
    [unwell] = (await store.changes_since(cursor)).agents
    await store.note_probe(agent.key, agent.health_check_url, "")
    well = await store.get("a1", ("acme",))

    assert (unwell.failed_probes, unwell.probe_problem) == (3, "no answer")
    assert well is not None
    assert (well.failed_probes, well.probe_problem) == (0, "")


async def test_the_answer_of_an_address_that_is_an_agents_no_longer_says_nothing_of_it(store: AgentStore) -> None:
    agent = await store.put(wish(), NOON)

    await store.note_probe(agent.key, "grpc://earlier:1", "no answer")

    found = await store.get("a1", ("acme",))
    assert found is not None
    assert found.failed_probes == 0
