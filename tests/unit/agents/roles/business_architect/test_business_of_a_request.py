from pathlib import Path

import pytest
import yaml

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import from_json, to_json
from services.agents.model.merge import merge
from services.agents.roles.business_analyst.deliverable import produce as analyse
from services.agents.roles.business_analyst.request import Request
from services.agents.roles.business_architect.deliverable import produce

EXAMPLES = sorted((Path(__file__).parents[5] / "examples").glob("*.yaml"))
TEXTS = {
    **{path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["request"] for path in EXAMPLES},
    "thin": "insurer, 200k customers, GDPR, 1.5M€, 9 months",
    "unknown industry": "Librarians must lend books to reduce queues. Readers search books. Readers return books.",
}


@pytest.fixture(params=TEXTS, name="pair")
def requirements_and_business(request: pytest.FixtureRequest) -> tuple[AgentOutput, AgentOutput]:
    text = TEXTS[request.param]
    requirements = analyse(Request(text))
    return requirements, produce(requirements, text)


def wanted(requirements: AgentOutput) -> set[str]:
    return {
        one.id
        for one in requirements.requirements.requirements
        if one.kind == Requirement.FUNCTIONAL and one.priority != Requirement.WONT
    }


def test_every_function_has_a_capability_and_a_step(pair: tuple[AgentOutput, AgentOutput]) -> None:
    requirements, output = pair
    business = output.business

    assert wanted(requirements)
    assert wanted(requirements) <= {one.req_id for one in business.matrices.capability_requirement}
    assert wanted(requirements) == {
        req_id for process in business.processes for s in process.steps for req_id in s.req_ids
    }
    unbound = {one.req_id for one in business.matrices.not_process_bound}
    functional = {one.id for one in requirements.requirements.requirements if one.kind == Requirement.FUNCTIONAL}
    assert unbound == functional - wanted(requirements)


def test_capabilities_are_a_forest_of_two_levels(pair: tuple[AgentOutput, AgentOutput]) -> None:
    capabilities = pair[1].business.capabilities
    levels = {one.id: one.level for one in capabilities}

    assert len(levels) == len(capabilities)
    for one in capabilities:
        assert one.HasField("parent_id") == (one.level == 2)
        assert one.level == 1 or levels[one.parent_id] == 1
        assert 1 <= one.importance <= 5


def test_every_process_has_a_trigger_a_role_and_an_outcome(pair: tuple[AgentOutput, AgentOutput]) -> None:
    business = pair[1].business
    roles, capabilities = {one.id for one in business.roles}, {one.id for one in business.capabilities}

    for process in business.processes:
        assert process.trigger_event
        assert process.outcomes
        assert process.capability_id in capabilities
        assert all(step.actor_role_id in roles for step in process.steps)


def test_exactly_one_role_answers_for_each_step(pair: tuple[AgentOutput, AgentOutput]) -> None:
    business = pair[1].business
    roles = {one.id for one in business.roles}

    steps = [step.id for process in business.processes for step in process.steps]
    assert [entry.step_id for entry in business.matrices.raci] == steps
    for entry in business.matrices.raci:
        assert entry.accountable_id in roles
        assert entry.responsible_id in roles
        assert {*entry.consulted_ids, *entry.informed_ids} <= roles - {entry.accountable_id, entry.responsible_id}


def test_every_goal_has_requirements_and_every_must_has_a_goal(pair: tuple[AgentOutput, AgentOutput]) -> None:
    requirements, output = pair
    supported = {req_id for goal in output.business.goals for req_id in goal.req_ids}
    drivers = {one.id for one in output.business.drivers}

    assert all(goal.req_ids and goal.kpi.metric and set(goal.driver_ids) <= drivers for goal in output.business.goals)
    musts = {one.id for one in requirements.requirements.requirements if one.priority == Requirement.MUST}
    assert musts <= supported


def test_what_nobody_creates_or_reads_is_a_finding(pair: tuple[AgentOutput, AgentOutput]) -> None:
    output = pair[1]
    for one in output.business.business_objects:
        letters = {c for entry in output.business.matrices.crud if entry.object_id == one.id for c in entry.operations}
        told = {finding.code for finding in output.findings if one.id in finding.subject_ids}
        assert ("C" in letters) != ("OBJECT_NEVER_CREATED" in told)
        assert ("R" in letters) != ("OBJECT_NEVER_READ" in told)


def test_the_model_has_no_illegal_or_dangling_relation(pair: tuple[AgentOutput, AgentOutput]) -> None:
    model = merge(pair)

    assert not model.problems
    assert {"Capability", "BusinessProcess", "BusinessRole", "Goal"} <= {one.type for one in model.elements.values()}


def test_steps_follow_the_life_of_their_object() -> None:
    text = "Clerks must archive files. Clerks must approve files. Clients must submit files."
    (process,) = (one for one in produce(analyse(Request(text)), text).business.processes if one.id == "PRC-file")

    assert [step.verb for step in process.steps] == ["submit", "approve", "archive"]


def test_a_function_that_fits_no_map_gets_a_capability_of_its_own() -> None:
    text = "Gardeners must prune hedges. Gardeners must water flowers. Gardeners can plant trees."
    output = produce(analyse(Request(text)), text).business

    own = [one for one in output.capabilities if one.rule_id == "capability.own"]
    assert {one.name for one in own} & {"Manage Hedge", "Manage Flower", "Manage Tree"}
    assert all(one.basis == Source.DERIVED for one in own)


def test_an_aim_in_the_clients_words_becomes_a_goal() -> None:
    text = TEXTS["unknown industry"]
    goals = produce(analyse(Request(text)), text).business.goals

    assert [goal.source.quote for goal in goals if goal.basis == Source.EXPLICIT] == ["reduce queues"]


def test_two_businesses_have_few_capabilities_in_common() -> None:
    names = []
    for path in EXAMPLES:
        text = TEXTS[path.stem]
        business = produce(analyse(Request(text)), text).business
        names.append({one.name for one in business.capabilities if one.kind == 1})

    assert len(names[0] & names[1]) / len(names[0] | names[1]) < 0.2


def test_without_requirements_the_output_is_empty_and_says_why() -> None:
    output = produce(None)

    assert output.degraded
    assert not output.business.capabilities
    assert [finding.code for finding in output.findings] == ["INPUT_MISSING"]


@pytest.mark.parametrize("text", ["", "app", "🚀", "must " * 5_000, "Build an app"])
def test_any_requirements_can_be_worked_with(text: str) -> None:
    output = produce(analyse(Request(text)), text)

    assert from_json(to_json(output)) == output
    assert not merge([analyse(Request(text)), output]).problems
