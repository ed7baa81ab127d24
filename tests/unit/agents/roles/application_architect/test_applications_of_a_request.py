"""The application architecture: what ROLES calls its checks, on two requests of different industries."""

import pytest
from openapi_spec_validator import validate

from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture, Component, DataEntity, Interface
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.graph import Severity
from services.agents.model.merge import merge
from services.agents.openapi import document
from services.agents.roles.application_architect.deliverable import produce

ENTRANCES = {Component.UI, Component.GATEWAY}


@pytest.fixture(params=["claims", "claims_without_business", "auctions"])
def designed(
    request: pytest.FixtureRequest, claims: AgentOutput, claims_business: AgentOutput, auctions: AgentOutput
) -> tuple[AgentOutput, AgentOutput]:
    """Requirements, and the design made for them."""
    inputs = {
        "claims": (claims, claims_business),
        "claims_without_business": (claims, None),
        "auctions": (auctions, None),
    }[request.param]
    return inputs[0], produce(*inputs)


def by_id(architecture: ApplicationArchitecture) -> dict[str, Component]:
    return {one.id: one for one in architecture.components}


def test_every_must_and_should_requirement_is_realised(designed: tuple[AgentOutput, AgentOutput]) -> None:
    requirements, output = designed
    realised = {req_id for one in output.application.components for req_id in one.req_ids}

    wanted = {
        one.id
        for one in requirements.requirements.requirements
        if one.kind == Requirement.FUNCTIONAL and one.priority in {Requirement.MUST, Requirement.SHOULD}
    }

    assert wanted <= realised


def test_no_component_is_there_without_a_reason(designed: tuple[AgentOutput, AgentOutput]) -> None:
    for one in designed[1].application.components:
        assert one.rationale
        assert one.req_ids or one.rule_id in {"APP-ADAPTER", "APP-IDENTITY"}


def test_every_entity_has_exactly_one_owner(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    owned = [entity for one in architecture.components for entity in one.owns_entities]

    assert sorted(owned) == sorted(one.id for one in architecture.data_entities)
    assert len(owned) == len(set(owned))
    assert all(
        one.id in by_id(architecture)[one.owner_component_id].owns_entities for one in architecture.data_entities
    )


def test_no_interface_dangles(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    known, entities = by_id(architecture), {one.id for one in architecture.data_entities}
    for one in architecture.interfaces:
        assert one.provider_id in known
        assert one.consumer_ids
        assert {*one.consumer_ids} <= known.keys() - {one.provider_id}
        assert {operation.entity for operation in one.operations} <= entities
        assert len({(operation.verb, operation.path) for operation in one.operations}) == len(one.operations)


def test_calls_that_wait_never_go_in_a_circle(designed: tuple[AgentOutput, AgentOutput]) -> None:
    waits: dict[str, set[str]] = {}
    for one in designed[1].application.interfaces:
        if one.sync:
            for consumer in one.consumer_ids:
                waits.setdefault(consumer, set()).add(one.provider_id)

    def reach(start: str, seen: frozenset[str]) -> None:
        assert start not in seen
        for provider in waits.get(start, ()):
            reach(provider, seen | {start})

    for consumer in waits:
        reach(consumer, frozenset())


def test_every_consumer_stands_in_the_crud_matrix(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    rows = {(one.component_id, one.entity_id): one.operations for one in architecture.crud_matrix}
    for interface in architecture.interfaces:
        provided = by_id(architecture)[interface.provider_id].owns_entities
        for consumer in interface.consumer_ids:
            if by_id(architecture)[consumer].type not in ENTRANCES:
                assert all("R" in rows[consumer, entity] for entity in provided)


def test_everything_that_is_kept_is_made_and_read_by_its_owner(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    rows = {(one.component_id, one.entity_id): one.operations for one in architecture.crud_matrix}

    assert all({"C", "R"} <= set(rows[one.owner_component_id, one.id]) for one in architecture.data_entities)


def test_personal_records_are_classified_and_protected(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    personal = [one for one in architecture.data_entities if any(attribute.pii for attribute in one.attributes)]
    protected = {
        component
        for one in architecture.quality_tactics
        if one.rule_id in {"APP-TACTIC-PERSONAL", "APP-TACTIC-ENCRYPTION"}
        for component in one.component_ids
    }

    assert personal
    assert all(one.classification >= DataEntity.PERSONAL for one in personal)
    assert {one.owner_component_id for one in personal} <= protected


def test_every_quality_with_a_measure_has_a_tactic_and_somebody_to_do_it(
    designed: tuple[AgentOutput, AgentOutput],
) -> None:
    requirements, output = designed
    reached = {one.req_id for one in output.application.quality_tactics if one.component_ids}

    measured = {one.id for one in requirements.requirements.requirements if one.kind == Requirement.QUALITY}

    assert measured <= reached


def test_every_openapi_document_is_valid(designed: tuple[AgentOutput, AgentOutput]) -> None:
    architecture = designed[1].application
    for one in architecture.components:
        validate(document(architecture, one.id))


def test_the_model_holds_every_operation_and_nothing_illegal(
    designed: tuple[AgentOutput, AgentOutput], claims_business: AgentOutput
) -> None:
    requirements, output = designed

    model = merge([requirements, claims_business, output])

    assert [one for one in model.problems if one.severity is not Severity.INFO] == []
    added = {one.id for one in output.model_ops if one.op == ModelOp.ADD_RELATION}
    assert added <= model.relations.keys()


def test_every_id_that_a_trace_names_exists(designed: tuple[AgentOutput, AgentOutput]) -> None:
    requirements, output = designed
    spec, made = requirements.requirements, output.application
    known = {one.id for one in (*spec.requirements, *spec.entities, *made.components, *made.data_entities)}
    known |= {capability for one in made.components for capability in one.capability_ids}

    assert {end for one in output.traces for end in (one.from_id, one.to_id)} <= known


def test_the_same_request_gives_the_same_bytes(claims: AgentOutput, claims_business: AgentOutput) -> None:
    first = produce(claims, claims_business).SerializeToString(deterministic=True)

    assert produce(claims, claims_business).SerializeToString(deterministic=True) == first


def test_two_requests_give_different_components(claims: AgentOutput, auctions: AgentOutput) -> None:
    one, other = ({part.name for part in produce(it).application.components} for it in (claims, auctions))

    assert len(one & other) / len(one | other) < 0.8


def test_a_chosen_style_has_the_most_points_or_the_reason_why_not(designed: tuple[AgentOutput, AgentOutput]) -> None:
    style = designed[1].application.style
    totals = {one.style: sum(it.weight * it.score for it in one.criteria) for one in style.score_table}

    assert all(totals[one.style] == one.total for one in style.score_table)
    assert totals[style.name] == max(totals.values()) or "simplest" in style.rationale


def test_without_requirements_one_core_service_stands_for_the_system() -> None:
    output = produce(None)

    assert output.degraded
    assert [one.id for one in output.application.components] == ["CMP-core"]
    assert {one.code for one in output.findings} >= {"INPUT_MISSING", "NO_FUNCTIONAL_REQUIREMENTS"}


def test_without_a_business_architecture_the_output_says_so(claims: AgentOutput) -> None:
    output = produce(claims)

    assert output.degraded
    assert [one.subject_ids[0] for one in output.findings if one.code == "INPUT_MISSING"] == ["business"]


def test_what_is_announced_reaches_those_who_must_hear_it(claims: AgentOutput) -> None:
    architecture = produce(claims).application
    listeners = {
        one.provider_id: set(one.consumer_ids) for one in architecture.interfaces if one.protocol == Interface.EVENT
    }

    assert {"CMP-notification", "CMP-audit"} <= listeners["CMP-claims"]


def test_the_moves_of_a_record_come_from_the_verbs_of_its_requirements(claims: AgentOutput) -> None:
    architecture = produce(claims).application
    paths = {
        operation.path: list(operation.req_ids)
        for one in architecture.interfaces
        if one.id == "IFC-claims-rest"
        for operation in one.operations
    }

    assert paths["/claims/{id}/approve"] == ["REQ-F-004"]
    assert paths["/claims/{id}/assess"] == ["REQ-F-003"]
