"""A request is read against the model: what is changed, what is only named, and what is new."""

from __future__ import annotations

import pytest

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment
from services.agents.change.assessment import assess
from services.agents.change.reading import read
from services.agents.model.graph import Model

KIND = ChangeAssessment.ChangeKind


@pytest.mark.parametrize(
    ("request_text", "kind", "seeds"),
    [
        ("Decommission the Old Server by June; all it runs must be moved to the cloud.", KIND.REMOVE, ["server"]),
        ("Please get rid of the Catalogue System.", KIND.REMOVE, ["catalogue"]),
        ("Retire the Web Portal and the Catalogue System.", KIND.REMOVE, ["portal", "catalogue"]),
        ("Replace the catalogue system with Koha.", KIND.REPLACE, ["catalogue"]),
        ("The Catalogue System shall be replaced by Koha.", KIND.REPLACE, ["catalogue"]),
        ("Migrate the Old Server to Kubernetes.", KIND.MOVE, ["server"]),
        ("Merge the Catalogue System with the Loans component.", KIND.MERGE, ["catalogue", "loans"]),
        ("Split the Catalogue System into a search service and an index.", KIND.SPLIT, ["catalogue"]),
        ("Integrate the Web Portal with the Catalogue System.", KIND.INTEGRATE, ["portal", "catalogue"]),
        ("The Loan Records must be encrypted.", KIND.EXTEND, ["records"]),
        ("The Catalogue System must stop keeping Loan Records.", KIND.EXTEND, ["catalogue"]),
        ("Add fines to the Web Portal.", KIND.ADD, ["portal"]),
        ("Readers shall be able to lend a book from a mobile app.", KIND.ADD, []),
        ("Loans must work without a network.", KIND.EXTEND, ["loans"]),
        ("Upgrade the Catalouge System.", KIND.EXTEND, ["catalogue"]),
        ("Nothing that anybody knows shall be otherwise.", KIND.EXTEND, []),
    ],
)
def test_what_is_changed_is_what_the_verb_acts_on(
    request_text: str, kind: KIND.ValueType, seeds: list[str], library: Model
) -> None:
    found = read(request_text, library)

    assert [one.element.id for one in found.seeds] == seeds
    assert found.kind == kind


@pytest.mark.parametrize(
    ("request_text", "newcomers"),
    [
        ("Replace the Catalogue System with Koha.", [("Koha", "ApplicationComponent")]),
        ("Readers shall be able to lend a book from a mobile app.", [("Mobile app", "ApplicationComponent")]),
        ("Introduce a reminder service.", [("Reminder service", "ApplicationService")]),
        ("Replace the Catalogue System with the Web Portal.", []),
    ],
)
def test_what_is_new_has_the_name_that_the_request_gives_it(
    request_text: str, newcomers: list[tuple[str, str]], library: Model
) -> None:
    assert [(one.name, one.type) for one in read(request_text, library).newcomers] == newcomers


def test_what_a_new_function_is_about_is_found_though_nobody_names_it(library: Model) -> None:
    found = read("Readers shall be able to lend a book from a mobile app.", library)

    assert {one.element.id for one in found.matched} == {"reader", "lend"}
    assert "find" not in {one.id for one in found.related}


def test_a_name_of_several_things_is_a_question_with_all_of_them(library: Model) -> None:
    found = assess("Remove the printer.", library)

    assert [one.element.id for one in found.change.seeds] == ["printer"]
    [question] = found.questions
    assert question.blocking
    assert "printer-device" in question.text
    assert "(printer)" in question.text


def test_a_word_for_the_type_decides_among_things_of_one_name(library: Model) -> None:
    found = read("Remove the printer device.", library)

    assert found.seeds[0].element.id == "printer-device"


def test_a_request_that_names_nothing_is_a_question_and_no_failure(library: Model) -> None:
    found = assess("Make everything better.", library)

    assert found.ops == ()
    assert found.result == library
    assert [question.blocking for question in found.questions] == [True]


@pytest.mark.parametrize("text", ["", "x", "🙂" * 1000, "<script>alert(1)</script>", "Remove " * 5000, "the " * 12_000])
def test_no_text_stops_the_reading(text: str, library: Model) -> None:
    assess(text, library)
