"""The solution architect on the examples' real designs: what it decides, traces, checks and draws."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from archwright.agents.v1.application_architect_pb2 import Component, Interface
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import ArchitectureGap
from services.agents.model.merge import merge
from services.agents.roles.application_architect.deliverable import produce as design_application
from services.agents.roles.business_analyst.deliverable import produce as analyse
from services.agents.roles.business_analyst.request import Request
from services.agents.roles.business_architect.deliverable import produce as design_business
from services.agents.roles.infrastructure_architect.deliverable import produce as design_infrastructure
from services.agents.roles.solution_architect.deliverable import produce
from services.agents.roles.solution_architect.traceability import is_empty

EXAMPLES = sorted((Path(__file__).parents[5] / "examples").glob("*.yaml"))


class Designs(NamedTuple):
    requirements: AgentOutput
    business: AgentOutput
    application: AgentOutput
    infrastructure: AgentOutput

    def solved(self) -> AgentOutput:
        return produce(*self)


def designs_for(text: str) -> Designs:
    requirements = analyse(Request.from_input({"request": {"request": text}}))
    application = design_application(requirements, business := design_business(requirements, text))
    return Designs(requirements, business, application, design_infrastructure(requirements, application))


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def designs(request: pytest.FixtureRequest) -> Designs:
    return designs_for(yaml.safe_load(request.param.read_text())["request"])


@pytest.fixture(scope="module")
def output(designs: Designs) -> AgentOutput:
    return designs.solved()


def test_the_chosen_option_has_the_most_points_or_a_reason(output: AgentOutput) -> None:
    assert len(output.solution.decisions) >= 5
    for decision in output.solution.decisions:
        totals = {
            option.name: sum(decision.weights[name] * score for name, score in option.scores.items())
            for option in decision.options
        }
        assert totals == pytest.approx({option.name: option.total for option in decision.options})
        assert totals[decision.chosen] == max(totals.values()) or decision.override_reason


def test_every_decision_is_driven_by_a_requirement_that_exists(designs: Designs, output: AgentOutput) -> None:
    known = {one.id for one in designs.requirements.requirements.requirements}
    for decision in output.solution.decisions:
        assert decision.drivers
        assert set(decision.drivers) <= known


def test_every_must_is_followed_to_a_component_and_a_node(designs: Designs, output: AgentOutput) -> None:
    rows = {row.req_id: row for row in output.solution.rtm}
    for one in designs.requirements.requirements.requirements:
        if one.priority == Requirement.MUST:
            assert rows[one.id].component_ids, one.statement
            assert rows[one.id].node_ids, one.statement


def test_the_gaps_lead_from_the_baseline_to_the_target_exactly(output: AgentOutput) -> None:
    baseline, target = (set(one.element_ids) for one in output.solution.plateaus)
    of = {one.type: set(one.element_ids) for one in output.solution.gaps}
    added, removed = of.get(ArchitectureGap.ADD, set()), of.get(ArchitectureGap.REMOVE, set())

    assert not added & baseline
    assert removed <= baseline
    assert (baseline | added) - removed == target


def test_the_roadmap_builds_each_component_once_and_what_is_called_first(designs: Designs, output: AgentOutput) -> None:
    order = {one: step.order for step in output.solution.roadmap for one in step.component_ids}
    built = [one for step in output.solution.roadmap for one in step.component_ids]
    application = designs.application.application
    faces = {one.id for one in application.components if one.type == Component.UI}

    assert sorted(built) == sorted(one.id for one in designs.application.application.components)
    for interface in application.interfaces:
        if interface.sync and interface.provider_id in order and interface.provider_id not in faces:
            for consumer_id in set(interface.consumer_ids) & set(order):
                assert order[interface.provider_id] <= order[consumer_id]


def test_every_rule_across_the_designs_holds(output: AgentOutput) -> None:
    assert [one.rule_id for one in output.solution.consistency_report if not one.passed] == []


def test_what_the_views_show_is_in_the_model(designs: Designs, output: AgentOutput) -> None:
    model = merge(designs)
    for view in output.solution.views:
        assert view.element_ids
        assert set(view.element_ids) <= set(model.elements)
        assert set(view.relation_ids) <= set(model.relations)
        assert all(box.x >= 0 and box.y >= 0 for box in view.layout)


def test_what_it_adds_to_the_model_is_legal(designs: Designs, output: AgentOutput) -> None:
    assert merge([*designs, output]).problems == ()


def test_every_quality_has_a_scenario(designs: Designs, output: AgentOutput) -> None:
    wanted = {
        one.id
        for one in designs.requirements.requirements.requirements
        if one.kind == Requirement.QUALITY and one.priority != Requirement.WONT
    }
    assert {one.req_id for one in output.solution.quality_scenarios} == wanted


def test_the_same_designs_give_the_same_bytes(designs: Designs, output: AgentOutput) -> None:
    again = designs.solved()

    assert again.SerializeToString(deterministic=True) == output.SerializeToString(deterministic=True)


def test_two_requests_are_decided_and_ordered_differently() -> None:
    one, other = (designs_for(yaml.safe_load(path.read_text())["request"]).solved() for path in EXAMPLES[:2])

    assert one.solution.rtm != other.solution.rtm
    assert [each.component_ids for each in one.solution.roadmap] != [
        each.component_ids for each in other.solution.roadmap
    ]


@pytest.mark.parametrize("absent", Designs._fields)
def test_a_design_that_is_missing_degrades_and_is_named(absent: str) -> None:
    designs = designs_for("A shop sells plants online. Customers order plants and pay by card.")

    output = produce(**{key: None if key == absent else design for key, design in designs._asdict().items()})

    assert output.degraded
    assert [absent] in [list(one.subject_ids) for one in output.findings if one.code == "INPUT_MISSING"]


def test_nothing_at_all_still_gives_a_sound_output() -> None:
    output = produce(None, None, None, None)

    assert output.degraded
    assert output.solution.summary
    assert all(is_empty(row) for row in output.solution.rtm)
    assert {one.severity for one in output.findings} == {Finding.WARNING}


def broken_rules(designs: Designs) -> set[str]:
    return {one.rule_id for one in designs.solved().solution.consistency_report if not one.passed}


def changed(output: AgentOutput) -> AgentOutput:
    return AgentOutput.FromString(output.SerializeToString())


def test_an_id_that_nobody_made_breaks_a_rule(designs: Designs) -> None:
    application = changed(designs.application)
    application.application.components[0].req_ids.append("REQ-F-999")

    assert broken_rules(designs._replace(application=application)) == {"SA-IDS-KNOWN"}


def test_a_circle_of_calls_breaks_a_rule_and_shares_a_step(designs: Designs) -> None:
    application = changed(designs.application)
    one, other, *_ = (each.id for each in application.application.components if each.type != Component.UI)
    for provider, consumer in ((one, other), (other, one)):
        application.application.interfaces.append(
            Interface(id=f"INT-{provider}", provider_id=provider, consumer_ids=[consumer], sync=True)
        )

    solved = designs._replace(application=application).solved().solution

    assert "SA-CALLS-END" in {each.rule_id for each in solved.consistency_report if not each.passed}
    [step] = [each for each in solved.roadmap if one in each.component_ids]
    assert other in step.component_ids


def test_personal_records_without_a_tactic_of_security_break_a_rule(designs: Designs) -> None:
    application = changed(designs.application)
    del application.application.quality_tactics[:]

    assert "SA-PERSONAL-PROTECTED" in broken_rules(designs._replace(application=application))


def test_without_requirements_nothing_is_decided(designs: Designs) -> None:
    assert not produce(None, designs.business, designs.application, designs.infrastructure).solution.decisions
