"""What a workflow of a definition would do, and who would take its steps."""

from __future__ import annotations

import pytest

from archwright import ids
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from services.chassis.clock import ManualClock
from services.engine.dry_run import DryRun, PlannedStep
from services.engine.ports.keys import AuditRow
from services.engine.roster import AgentTold, FollowedRoster
from services.engine.storage.memory.catalogue import MemoryCatalogue

TENANT = "acme"


def roster(*agents: AgentTold, heard: bool = True) -> FollowedRoster:
    """Return a roster that the registry has told of these agents."""
    found = FollowedRoster()
    if heard:
        found.begin()
    for agent in agents:
        found.tell(agent)
    if heard:
        found.complete()
    return found


def agent(
    agent_id: str, agent_type: str, *capabilities: str, status: str = "ONLINE", tenant: str = TENANT
) -> AgentTold:
    return AgentTold(tenant, agent_id, status, agent_type, capabilities, {"region": "eu"})


async def planned(steps: str, known: FollowedRoster, catalogue: MemoryCatalogue | None = None) -> list[PlannedStep]:
    dry_run = DryRun(catalogue or MemoryCatalogue(ManualClock()), known)
    return await dry_run.steps(TENANT, compile_plan(parse(f"name: x\nsteps:\n{steps}")))


async def missing(step: str, *agents: AgentTold) -> str:
    [found] = await planned(f"  - {{name: s, {step}}}\n", roster(*agents))
    return found.missing


async def test_the_agents_that_would_take_a_step_are_named() -> None:
    known = roster(
        agent("a1", "writer"),
        agent("a2", "writer", status="BUSY"),
        agent("a3", "writer", status="DRAINING"),
        agent("a4", "editor"),
        agent("a5", "writer", tenant="other"),
        agent("a6", "writer", tenant="platform"),
    )

    [step] = await planned("  - {name: s, agent: writer}\n", known)

    assert (step.requirement, step.missing) == ("writer", "")
    assert [each.agent_id for each in step.agents] == ["a1", "a2", "a6"]


@pytest.mark.parametrize(
    ("step", "agents", "said"),
    [
        ("agent: writer", (), "no agent is registered that is a writer"),
        ("agent: writter", (("a1", "writer"),), "did you mean 'writer'?"),
        ("capability: pricing@^1.2", (("a1", "x", "pricing@1.0.0"),), "able of pricing ^1.2; there is pricing@1.0.0"),
        ("capability: pricng", (("a1", "x", "pricing@1.0.0"),), "did you mean 'pricing'?"),
        ("agent: writer, labels: {region: us}", (("a1", "writer"),), "others are, but not labelled so"),
        ("agent: writer, on_unavailable: skip", (), "it would be skipped"),
        ("agent: writer, on_unavailable: fail", (), "it would fail at once"),
    ],
)
async def test_who_is_missing_is_told_with_who_comes_nearest(
    step: str, agents: tuple[tuple[str, ...], ...], said: str
) -> None:
    assert said in await missing(step, *(agent(*each) for each in agents))


async def test_agents_that_are_away_are_named_with_how_they_stand() -> None:
    said = await missing(
        "agent: writer", agent("a1", "writer", status="OFFLINE"), agent("a2", "writer", status="ERROR")
    )

    assert said == "nobody takes it now: a1 is OFFLINE, a2 is ERROR"


async def test_before_the_registry_is_heard_nobody_is_missed() -> None:
    [step] = await planned("  - {name: s, agent: writer}\n", roster(heard=False))

    assert step.missing == ""
    assert not DryRun(MemoryCatalogue(ManualClock()), roster(heard=False)).knows_agents


async def test_steps_within_steps_come_after_them_with_their_paths() -> None:
    steps = """
  - {name: first, agent: a, fallback: {name: instead, agent: b}, on_failure: fallback}
  - name: both
    parallel:
      branches:
        left: [{name: l, agent: a}]
        right: [{name: r, agent: a, compensate: {name: undo, agent: c}}]
  - {name: each, foreach: {items: "[1]", as: one, steps: [{name: look, agent: a}, {name: note, agent: a}]}}
  - {name: choose, switch: {cases: [{if: "true", steps: [{name: yes, agent: a}]}], else: [{name: no, agent: a}]}}
"""

    found = await planned(steps, roster())

    assert [(step.path, step.depth) for step in found] == [
        ("first", 0),
        ("first.fallback/instead", 1),
        ("both", 0),
        ("both.left/l", 1),
        ("both.right/r", 1),
        ("both.right/r.compensate/undo", 2),
        ("each", 0),
        ("each[]/look", 1),
        ("each[]/note", 1),
        ("choose", 0),
        ("choose.0/yes", 1),
        ("choose.else/no", 1),
    ]
    by_path = {step.path: step for step in found}
    assert (by_path["both"].after, by_path["both"].leads_to) == (("first",), ("each",))
    assert by_path["each[]/note"].after == ("look",)


async def test_a_child_workflow_is_named_with_its_version_or_missed() -> None:
    catalogue = MemoryCatalogue(ManualClock())
    audit = AuditRow(ids.new_uuid(), ManualClock().now(), "ann", "PublishDefinition", "definitions", "ok", "", "")
    await catalogue.publish(
        TENANT, "name: child\nversion: 1.2.0\nsteps: [{name: s, agent: a}]", "ann", audit, ["stable"]
    )

    found = await planned(
        "  - {name: there, workflow: {name: child, version: stable}}\n  - {name: gone, workflow: chill}\n",
        roster(),
        catalogue,
    )

    assert (found[0].child, found[0].missing) == ("child@1.2.0", "")
    assert found[1].child == "chill"
    assert "There is no definition 'chill'" in found[1].missing
