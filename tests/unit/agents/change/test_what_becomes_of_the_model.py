"""The resulting model is the existing one and the operations: nothing more, nothing illegal, nothing else touched."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from services.agents.change.assessment import assess
from services.agents.change.operations import CHANGE_PROPERTY
from services.agents.model.elements import ElementType
from services.agents.model.exchange.check import import_problems
from services.agents.model.exchange.write import write
from services.agents.model.graph import Element, Model

REQUESTS = (
    "Remove the Catalogue System.",
    "Replace the Catalogue System with Koha.",
    "Migrate the Old Server to Kubernetes.",
    "Merge the Catalogue System with the Loans component.",
    "Merge the Catalogue System and the Loans component into a lending platform.",
    "Split the Catalogue System into a thesaurus and a table of holdings.",
    "Integrate the Web Portal with the Catalogue System.",
    "Integrate the Web Portal with Stripe.",
    "The Loan Records must be encrypted.",
    "Add fines to the Web Portal.",
    "Readers shall be able to lend a book from a mobile app.",
)


def new_ones(result: Model, baseline: Model) -> Mapping[str, Element]:
    return {own: one for own, one in result.elements.items() if own not in baseline.elements}


@pytest.mark.parametrize("text", REQUESTS)
def test_nothing_illegal_comes_in_and_what_is_not_named_stays_as_it_is(text: str, library: Model) -> None:
    found = assess(text, library)
    seeds = {one.element.id for one in found.change.seeds}

    assert found.result.problems == ()
    for own, element in library.elements.items():
        assert own in seeds or found.result.elements[own] == element
    for own, relation in library.relations.items():
        if not {relation.source_id, relation.target_id} & seeds:
            assert found.result.relations[own] == relation
    assert import_problems(write(found.result)) == ()


@pytest.mark.parametrize("text", REQUESTS)
def test_the_same_request_makes_the_same_operations(text: str, library: Model) -> None:
    assert assess(text, library).ops == assess(text, library).ops


def test_what_is_removed_goes_with_its_relations(library: Model) -> None:
    found = assess("Remove the Catalogue System.", library)

    assert library.elements.keys() - found.result.elements.keys() == {"catalogue"}
    assert library.relations.keys() - found.result.relations.keys() == {"r2", "r3", "r9", "r11", "r12"}
    assert len(found.ops) == 6
    assert ["Index" in question.text for question in found.questions] == [True]


def test_a_successor_stands_where_its_predecessor_stood(library: Model) -> None:
    result = assess("Replace the Catalogue System with Koha.", library).result

    [(own, koha)] = new_ones(result, library).items()
    assert (koha.name, koha.type) == ("Koha", ElementType.APPLICATION_COMPONENT)
    assert result.relations.keys() == library.relations.keys()
    assert (result.relations["r2"].target_id, result.relations["r3"].source_id) == (own, own)


def test_merged_ones_become_one_with_the_relations_of_all(library: Model) -> None:
    result = assess("Merge the Catalogue System with the Loans component.", library).result

    assert library.elements.keys() - result.elements.keys() == {"loans"}
    assert result.relations["r13"].source_id == "catalogue"


def test_parts_belong_to_what_was_split(library: Model) -> None:
    result = assess("Split the Catalogue System into a thesaurus and a table of holdings.", library).result

    parts = {own: one for own, one in new_ones(result, library).items() if one.type is not ElementType.REQUIREMENT}
    assert [(one.name, one.type) for one in parts.values()] == [
        ("Thesaurus", ElementType.APPLICATION_COMPONENT),
        ("Table of holdings", ElementType.APPLICATION_COMPONENT),
    ]
    wholes = {(one.source_id, one.target_id) for one in result.relations.values()}
    assert wholes >= {("catalogue", own) for own in parts}


def test_a_wish_is_noted_at_what_it_changes_and_is_a_requirement(library: Model) -> None:
    text = "The Loan Records must be encrypted."
    result = assess(text, library).result

    assert dict(result.elements["records"].properties) == {CHANGE_PROPERTY: text}
    assert [(one.type, one.name) for one in new_ones(result, library).values()] == [(ElementType.REQUIREMENT, text)]


def test_something_new_is_tied_to_what_it_is_for(library: Model) -> None:
    result = assess("Readers shall be able to lend a book from a mobile app.", library).result

    [(own, app)] = new_ones(result, library).items()
    tied = {one.target_id for one in result.relations.values() if one.source_id == own}
    assert app.name == "Mobile app"
    assert tied >= {"reader", "lend"}
