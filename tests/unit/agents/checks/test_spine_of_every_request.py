"""From each requirement to a component, a node, work, a cost line and a test; and nothing hangs in the air."""

from __future__ import annotations

from collections.abc import Iterable

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.output_pb2 import AgentOutput

Outputs = dict[str, AgentOutput]
_WANTED = (Requirement.MUST, Requirement.SHOULD)


def wanted(outputs: Outputs) -> list[Requirement]:
    found = outputs["requirements"].requirements.requirements
    return [each for each in found if each.priority in _WANTED and each.kind == Requirement.FUNCTIONAL]


def test_every_wanted_function_has_components_that_are_hosted(outputs: Outputs) -> None:
    hosted = {it for node in outputs["infrastructure"].infrastructure.nodes for it in node.hosts_component_ids}
    for requirement in wanted(outputs):
        realising = {
            each.id for each in outputs["application"].application.components if requirement.id in each.req_ids
        }
        assert realising, requirement.statement
        assert realising & hosted, requirement.statement


def test_every_component_has_work_that_is_scheduled_and_costed(outputs: Outputs) -> None:
    plan, finance = outputs["plan"].plan, outputs["finance"].finance
    traced = {it for each in plan.activities for it in each.trace_ids}
    costed = {each.activity_id or each.wbs_id for each in finance.build_costs}
    for component in outputs["application"].application.components:
        assert component.id in traced, component.name
    for activity in plan.activities:
        assert activity.id in costed or activity.wbs_id in costed, activity.name


def test_every_node_has_a_cost_line_and_every_line_a_node(outputs: Outputs) -> None:
    nodes = {node.id for node in outputs["infrastructure"].infrastructure.nodes}
    for environment in outputs["finance"].finance.infra_costs.environments:
        assert {line.node_id for line in environment.lines} <= nodes
    lines = {
        line.node_id
        for environment in outputs["finance"].finance.infra_costs.environments
        for line in environment.lines
    }
    assert lines == nodes


def test_every_must_has_a_test_in_the_scaffold(outputs: Outputs) -> None:
    tested = {each.req_id for each in outputs["scaffold"].scaffold.test_map}

    musts = {each.id for each in outputs["requirements"].requirements.requirements if each.priority == Requirement.MUST}

    assert musts <= tested


def test_ids_are_of_one_thing_each(outputs: Outputs) -> None:
    spec = outputs["requirements"].requirements
    for some in (
        spec.requirements,
        spec.facts,
        spec.actors,
        spec.entities,
        outputs["application"].application.components,
        outputs["infrastructure"].infrastructure.nodes,
        outputs["plan"].plan.activities,
    ):
        ids = [each.id for each in some]
        assert len(ids) == len(set(ids)), ids


def test_what_is_named_is_there(outputs: Outputs) -> None:
    application = outputs["application"].application
    components = {each.id for each in application.components}
    requirements = {each.id for each in outputs["requirements"].requirements.requirements}
    activities = {each.id for each in outputs["plan"].plan.activities}
    assert named(application.interfaces, "provider_id") <= components
    assert {it for each in application.interfaces for it in each.consumer_ids} <= components
    assert {it for each in application.components for it in each.req_ids} <= requirements
    assert {it.id for each in outputs["plan"].plan.activities for it in each.predecessors} <= activities
    assert set(outputs["plan"].plan.critical_path) <= activities


def named(things: Iterable[object], field: str) -> set[str]:
    return {str(getattr(each, field)) for each in things}
