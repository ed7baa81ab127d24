"""The infrastructure architecture: formulas that can be recomputed, places that laws allow, nodes for everything."""

import json
from math import ceil, isclose
from pathlib import Path

import pytest

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.infrastructure_architect_pb2 import DisasterRecovery, Node
from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.graph import Severity
from services.agents.model.merge import merge
from services.agents.providers import services
from services.agents.roles.application_architect.deliverable import produce as design_applications
from services.agents.roles.infrastructure_architect.deliverable import produce
from services.agents.roles.infrastructure_architect.nodes import METERED
from services.agents.roles.infrastructure_architect.placement import allowed_regions

CATALOGUE = Path(__file__).parents[6] / "shared" / "data" / "prices" / "aws_catalog_curated.json"
STATEFUL = {Node.MANAGED_DB, Node.CACHE, Node.OBJECT_STORAGE}


@pytest.fixture
def applications(claims: AgentOutput, claims_business: AgentOutput) -> AgentOutput:
    return design_applications(claims, claims_business)


@pytest.fixture
def placed(claims: AgentOutput, applications: AgentOutput) -> AgentOutput:
    return produce(claims, applications)


def test_two_hundred_thousand_insured_give_the_reference_numbers(placed: AgentOutput) -> None:
    sizing = placed.infrastructure.sizing
    results = {one.name: one.result for one in sizing.formulas}

    assert (sizing.dau, sizing.daily_requests) == (10_000, 360_000)
    assert (round(sizing.avg_rps, 2), round(sizing.peak_rps, 1)) == (4.17, 41.7)
    assert (results["transactions_per_year"], round(results["documents_gb_per_year"], 1)) == (24_000, 234.4)


def test_every_formula_gives_its_result_again(placed: AgentOutput) -> None:
    for one in placed.infrastructure.sizing.formulas:
        names = {"ceil": ceil, "max": max, "min": min, **one.inputs}
        assert isclose(eval(one.expr, {"__builtins__": {}}, names), one.result)


def test_every_input_of_a_formula_is_an_assumption_a_fact_or_an_earlier_result(placed: AgentOutput) -> None:
    formulas = placed.infrastructure.sizing.formulas
    assumed = {one.text.split(":")[0] for one in placed.assumptions}
    of_facts = {"users", "stated_rps", "stated_daily", "stated_machine_daily", "stated_concurrent", "stated_gb"}
    stated = of_facts | {"vcpu_per_host", "hosts_least"}
    results: set[str] = set()
    for one in formulas:
        assert set(one.inputs) <= assumed | stated | results, one.name
        results.add(one.name)


def test_the_numbers_name_the_assumptions_that_they_rest_on(placed: AgentOutput) -> None:
    known = {one.id for one in placed.assumptions}

    assert placed.infrastructure.sizing.assumptions
    assert set(placed.infrastructure.sizing.assumptions) <= known


def test_every_component_runs_somewhere_in_every_environment(placed: AgentOutput, applications: AgentOutput) -> None:
    environments = [one.name for one in placed.infrastructure.environments]
    runs = {(one.component_id, one.environment) for one in placed.infrastructure.deployment_matrix}
    wanted = {(one.id, where) for one in applications.application.components for where in environments}

    assert wanted <= runs
    assert all(one.replicas >= 1 for one in placed.infrastructure.deployment_matrix)


def test_the_hosts_bear_the_peak(placed: AgentOutput) -> None:
    hosts = next(one for one in placed.infrastructure.nodes if one.role == "compute")
    size = next(one for one in services().providers["aws"].compute if one.sku == hosts.sku)
    needed = next(one.result for one in placed.infrastructure.sizing.formulas if one.name == "vcpu_needed")

    assert hosts.qty * size.vcpu >= needed


def test_the_design_is_as_available_as_is_asked_for(placed: AgentOutput) -> None:
    availability = placed.infrastructure.availability
    product = 1.0
    for link in availability.chain:
        product *= 1 - (1 - link.single / 100) ** link.replicas

    assert availability.target == 99.9
    assert isclose(availability.computed, 100 * product)
    assert availability.computed >= availability.target


def test_records_under_a_law_stay_where_it_says(placed: AgentOutput) -> None:
    region = placed.infrastructure.region

    assert region.residency == "EU"
    assert region.id in allowed_regions("EU", "aws")


def test_nothing_that_keeps_records_is_in_a_public_zone(placed: AgentOutput) -> None:
    kept = [one for one in placed.infrastructure.nodes if one.type in STATEFUL and one.rule_id != METERED]

    assert kept
    assert all(one.zone == "restricted" for one in kept)
    assert all(
        "internet" not in zone.ingress_from for zone in placed.infrastructure.network.zones if zone.name != "public"
    )


def test_what_has_copies_has_them_in_two_places(placed: AgentOutput) -> None:
    for one in placed.infrastructure.nodes:
        if one.ha.replicas > 1:
            assert one.ha.azs >= 2


def test_every_zone_of_a_node_and_a_flow_is_in_the_network(placed: AgentOutput) -> None:
    network = placed.infrastructure.network
    zones = {one.name for one in network.zones}

    assert {one.zone for one in placed.infrastructure.nodes if one.zone} <= zones
    assert {end for one in network.flows for end in (one.from_zone, one.to_zone)} <= zones | {"internet"}
    assert len({one.cidr for one in network.subnets}) == len(network.subnets)


def test_every_control_is_carried_out_by_a_node(placed: AgentOutput) -> None:
    known = {one.id for one in placed.infrastructure.nodes}
    for one in placed.infrastructure.security_controls:
        assert one.node_ids
        assert set(one.node_ids) <= known


def test_every_product_is_in_the_table_with_its_unit(placed: AgentOutput) -> None:
    offer = services().providers["aws"]
    units = {one.sku: one.unit for one in offer.roles.values()}
    units |= {one.sku: "hours" for one in (*offer.compute, *offer.database)}

    assert all(units[one.sku] == one.unit and one.qty > 0 for one in placed.infrastructure.nodes)


@pytest.mark.skipif(not CATALOGUE.exists(), reason="the curated price catalogue is not beside the repository")
def test_every_product_of_aws_is_in_the_price_catalogue() -> None:
    prices = {one["sku"]: one["unit"] for one in json.loads(CATALOGUE.read_text())["items"]}
    offer = services().providers["aws"]

    assert {one.sku for one in (*offer.compute, *offer.database)} <= prices.keys()
    assert all(prices[one.sku] == one.unit for one in offer.roles.values())


def test_the_model_holds_every_operation_and_nothing_illegal(
    claims: AgentOutput, claims_business: AgentOutput, applications: AgentOutput, placed: AgentOutput
) -> None:
    model = merge([claims, claims_business, applications, placed])

    assert [one for one in model.problems if one.severity is not Severity.INFO] == []
    assert {one.id for one in placed.model_ops if one.op == ModelOp.ADD_RELATION} <= model.relations.keys()


def test_every_component_can_be_followed_to_a_node(placed: AgentOutput, applications: AgentOutput) -> None:
    traced = {one.to_id for one in placed.traces if one.from_id.startswith("NOD-")}

    assert {one.id for one in applications.application.components} <= traced


def test_the_same_inputs_give_the_same_bytes(claims: AgentOutput, applications: AgentOutput) -> None:
    first = produce(claims, applications).SerializeToString(deterministic=True)

    assert produce(claims, applications).SerializeToString(deterministic=True) == first


def test_without_any_input_a_small_system_is_sized_and_everything_is_assumed() -> None:
    output = produce(None, None)

    assert output.degraded
    assert [one.subject_ids[0] for one in output.findings] == ["requirements", "application"]
    assert any("CMP-core" in one.hosts_component_ids for one in output.infrastructure.nodes)
    assert output.infrastructure.dr.strategy == DisasterRecovery.PILOT_LIGHT


def test_channels_are_delivered_from_the_edge_and_never_from_hosts(
    placed: AgentOutput, applications: AgentOutput
) -> None:
    channels = {one.id for one in applications.application.components if one.type == Component.UI}
    hosts = next(one for one in placed.infrastructure.nodes if one.role == "compute")
    edge = next(one for one in placed.infrastructure.nodes if one.type == Node.CDN)

    assert channels == set(edge.hosts_component_ids)
    assert not channels & set(hosts.hosts_component_ids)
