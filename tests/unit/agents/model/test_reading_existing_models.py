"""Models that people made are read as they are, in both formats; what cannot be is refused or told of, never fatal."""

from __future__ import annotations

import pytest
from library import ELEMENTS, LIBRARY, RELATIONS, archi

from archwright.errors import PayloadInvalid, PayloadTooLarge
from services.agents.model.baseline import read_baseline
from services.agents.model.elements import AccessType, ElementType
from services.agents.model.exchange.write import write
from services.agents.model.xml import SIZE_BYTES_MAX


def codes(text: str) -> list[str]:
    return [problem.code for problem in read_baseline(text.encode()).problems]


def test_a_file_of_archi_is_read_without_its_diagrams() -> None:
    model = read_baseline(LIBRARY.encode())

    assert model.name == "Library"
    assert list(model.elements) == [own for own, *_ in ELEMENTS]
    assert list(model.relations) == [own for own, *_ in RELATIONS]
    assert model.problems == ()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", AccessType.WRITE),
        (' accessType="1"', AccessType.READ),
        (' accessType="2"', AccessType.ACCESS),
        (' accessType="3"', AccessType.READ_WRITE),
        (' accessType="banana"', AccessType.ACCESS),
    ],
)
def test_archi_leaves_out_that_something_is_written(said: str, meant: AccessType) -> None:
    text = archi([("a", "ApplicationComponent", "A"), ("d", "DataObject", "D")], [("r", "Access", "a", "d", said)])

    assert read_baseline(text.encode()).relations["r"].access is meant


def test_an_exchange_file_is_read_to_the_same_model() -> None:
    model = read_baseline(LIBRARY.encode())

    again = read_baseline(write(model))

    assert (again.elements, again.relations, again.problems) == (model.elements, model.relations, ())


def test_junctions_have_their_kind() -> None:
    junctions = (
        '<element xsi:type="archimate:Junction" id="j"/><element xsi:type="archimate:Junction" id="k" type="or"/>'
    )
    text = archi([("a", "ApplicationComponent", "A")], []).replace("</folder>", f"{junctions}</folder>", 1)

    found = read_baseline(text.encode()).elements

    assert (found["j"].type, found["k"].type) == (ElementType.AND_JUNCTION, ElementType.OR_JUNCTION)


def test_relations_without_an_end_are_left_out_and_told_of() -> None:
    text = archi([("a", "Node", "A")], [("r", "Serving", "a", "gone", ""), ("s", "Association", "a", "r", "")])

    assert read_baseline(text.encode()).relations == {}
    assert codes(text) == ["BASELINE_END_MISSING", "BASELINE_END_MISSING"]


def test_illegal_relations_stay_and_are_told_of() -> None:
    text = archi([("a", "Goal", "A"), ("b", "Node", "B")], [("r", "Assignment", "a", "b", "")])

    assert "r" in read_baseline(text.encode()).relations
    assert codes(text) == ["BASELINE_RELATION_ILLEGAL"]


def test_an_id_that_is_used_twice_and_one_that_is_missing_are_told_of() -> None:
    text = archi([("a", "Node", "A"), ("a", "Node", "B"), ("", "Node", "C")], [])

    assert codes(text) == ["BASELINE_ID_TWICE", "BASELINE_ID_MISSING"]
    assert read_baseline(text.encode()).elements["a"].name == "A"


_BOMB = (
    '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><m>&c;</m>'
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not well-formed"),
        ("not xml", "not well-formed"),
        ("<html/>", "begins with <html>"),
        ("<model/>", "begins with <model>"),
        (archi([], []), "at least one element"),
        (archi([("a", "Banana", "A")], []), "unknown type 'archimate:Banana'"),
        (archi([("a", "Node", "A")], [("r", "Banana", "a", "a", "")]), "unknown type 'archimate:BananaRelationship'"),
        (_BOMB, "no document type declaration"),
        ('<!DOCTYPE m SYSTEM "file:///etc/passwd"><m/>', "no document type declaration"),
        ('<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><m>&x;</m>', "no document type declaration"),
        ("<a>" * 100_000, "not well-formed"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(PayloadInvalid, match=complaint):
        read_baseline(text.encode())


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(PayloadTooLarge, match="has at most"):
        read_baseline(b"<" * (SIZE_BYTES_MAX + 1))
