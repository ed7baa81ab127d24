from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from services.agents.model.elements import ElementType as E
from services.agents.model.elements import Layer, RelationType
from services.agents.model.elements import RelationType as R
from services.agents.model.relationships import is_permitted, permitted
from services.agents.model.views import VIEWPOINTS, Viewpoint

RULES = Path(__file__).parents[5] / "shared/data/archimate/rules"
SOURCE = RULES / "relationships_3.2.json"
VIEWPOINTS_SOURCE = RULES / "viewpoints.xml"

ILLEGAL = [
    (R.ASSIGNMENT, E.NODE, E.APPLICATION_COMPONENT),
    (R.ASSIGNMENT, E.ARTIFACT, E.NODE),
    (R.ASSIGNMENT, E.SYSTEM_SOFTWARE, E.NODE),
    (R.AGGREGATION, E.COMMUNICATION_NETWORK, E.NODE),
    (R.REALIZATION, E.GOAL, E.GOAL),
    (R.REALIZATION, E.GOAL, E.REQUIREMENT),
    (R.REALIZATION, E.REQUIREMENT, E.APPLICATION_COMPONENT),
    (R.ACCESS, E.DATA_OBJECT, E.APPLICATION_COMPONENT),
    (R.COMPOSITION, E.APPLICATION_COMPONENT, E.DATA_OBJECT),
    (R.SERVING, E.ARTIFACT, E.APPLICATION_PROCESS),
    (R.FLOW, E.ARTIFACT, E.APPLICATION_SERVICE),
    (R.SERVING, E.WORK_PACKAGE, E.DELIVERABLE),
    (R.INFLUENCE, E.PLATEAU, E.PLATEAU),
    (R.SPECIALIZATION, E.APPLICATION_COMPONENT, E.APPLICATION_SERVICE),
]

LEGAL = [
    (R.ASSOCIATION, E.STAKEHOLDER, E.DRIVER),
    (R.INFLUENCE, E.DRIVER, E.GOAL),
    (R.REALIZATION, E.REQUIREMENT, E.GOAL),
    (R.REALIZATION, E.CAPABILITY, E.REQUIREMENT),
    (R.REALIZATION, E.BUSINESS_PROCESS, E.CAPABILITY),
    (R.SERVING, E.CAPABILITY, E.VALUE_STREAM),
    (R.ASSIGNMENT, E.BUSINESS_ACTOR, E.BUSINESS_ROLE),
    (R.ASSIGNMENT, E.BUSINESS_ROLE, E.BUSINESS_PROCESS),
    (R.SERVING, E.BUSINESS_SERVICE, E.BUSINESS_ROLE),
    (R.TRIGGERING, E.BUSINESS_EVENT, E.BUSINESS_PROCESS),
    (R.ACCESS, E.BUSINESS_PROCESS, E.BUSINESS_OBJECT),
    (R.SERVING, E.APPLICATION_SERVICE, E.BUSINESS_PROCESS),
    (R.COMPOSITION, E.APPLICATION_COMPONENT, E.APPLICATION_INTERFACE),
    (R.ASSIGNMENT, E.APPLICATION_INTERFACE, E.APPLICATION_SERVICE),
    (R.REALIZATION, E.DATA_OBJECT, E.BUSINESS_OBJECT),
    (R.ASSIGNMENT, E.NODE, E.ARTIFACT),
    (R.REALIZATION, E.ARTIFACT, E.APPLICATION_COMPONENT),
    (R.REALIZATION, E.SYSTEM_SOFTWARE, E.TECHNOLOGY_SERVICE),
    (R.SERVING, E.TECHNOLOGY_SERVICE, E.APPLICATION_COMPONENT),
    (R.REALIZATION, E.COMMUNICATION_NETWORK, E.PATH),
    (R.REALIZATION, E.WORK_PACKAGE, E.DELIVERABLE),
    (R.REALIZATION, E.DELIVERABLE, E.PLATEAU),
    (R.TRIGGERING, E.WORK_PACKAGE, E.WORK_PACKAGE),
    (R.ASSIGNMENT, E.BUSINESS_ROLE, E.WORK_PACKAGE),
    (R.AGGREGATION, E.PLATEAU, E.APPLICATION_COMPONENT),
    (R.ASSOCIATION, E.GAP, E.PLATEAU),
]


@pytest.mark.parametrize(("relation", "source", "target"), ILLEGAL)
def test_relations_that_authors_often_get_wrong_are_not_permitted(relation: R, source: E, target: E) -> None:
    assert not is_permitted(relation, source, target)


@pytest.mark.parametrize(("relation", "source", "target"), LEGAL)
def test_the_patterns_that_roles_use_are_permitted(relation: R, source: E, target: E) -> None:
    assert is_permitted(relation, source, target)


def test_a_relation_may_be_associated_with_an_element() -> None:
    assert permitted(E.BUSINESS_OBJECT, RelationType.FLOW) == {R.ASSOCIATION}


def test_both_junctions_have_the_rules_of_the_junction() -> None:
    assert permitted(E.AND_JUNCTION, E.NODE) == permitted(E.OR_JUNCTION, E.NODE) != frozenset()


def test_every_type_has_a_row_a_layer_and_an_aspect() -> None:
    for one in E:
        assert isinstance(one.layer, Layer)
        assert one.aspect
        assert permitted(one, E.GROUPING)


@pytest.mark.skipif(not SOURCE.exists(), reason="the source of the table is not on this machine")
def test_the_packaged_table_says_what_its_source_says() -> None:
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    letters = {letter: R(name) for letter, name in source["keys"].items()}
    concepts: dict[str, E | R] = {one.value: one for one in E if one.value in source["matrix"]}
    concepts |= {"Junction": E.AND_JUNCTION, "Relationship": R.FLOW}
    triples = 0
    for source_name, row in source["matrix"].items():
        for target_name in source["matrix"]:
            expected = {letters[letter] for letter in row.get(target_name, "")}
            assert permitted(concepts[source_name], concepts[target_name]) == expected
            triples += len(expected)
    assert triples == 11_569


ALWAYS = {"Grouping"}
FAMILIES = {
    "$MotivationElements$": {Layer.MOTIVATION},
    "$StrategyElements$": {Layer.STRATEGY},
    "$BusinessElements$": {Layer.BUSINESS},
    "$ApplicationElements$": {Layer.APPLICATION},
    "$TechnologyElements$": {Layer.TECHNOLOGY, Layer.PHYSICAL},
    "$ImplementationMigrationElements$": {Layer.IMPLEMENTATION},
}


@pytest.mark.skipif(not VIEWPOINTS_SOURCE.exists(), reason="the list of viewpoints is not on this machine")
@pytest.mark.parametrize("viewpoint", VIEWPOINTS, ids=lambda viewpoint: viewpoint.key)
def test_a_view_shows_only_what_its_viewpoint_allows(viewpoint: Viewpoint) -> None:
    lists = etree.parse(VIEWPOINTS_SOURCE).iter("viewpoint")
    (allowed,) = (
        [concept.text for concept in one.iter("concept")] for one in lists if one.findtext("name") == viewpoint.name
    )
    layers = {layer for name in allowed for layer in FAMILIES.get(name or "", ())}
    shown = {one for tier in viewpoint.tiers for one in tier}

    # A viewpoint that lists no concepts allows them all.
    assert not allowed or {one.value for one in shown if one.layer not in layers} <= {*allowed, *ALWAYS}
