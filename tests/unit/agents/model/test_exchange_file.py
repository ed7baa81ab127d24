from __future__ import annotations

from collections.abc import Callable

import pytest
from exchange_schemas import DATA, exchange_schema, needs_schemas
from lxml import etree

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.errors import PayloadInvalid
from services.agents.model.exchange.check import import_problems
from services.agents.model.exchange.names import tag
from services.agents.model.exchange.read import read
from services.agents.model.exchange.write import write
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.layout.diagram import Diagram
from services.agents.model.views import standard_views

Make = Callable[..., ModelOp]
Build = Callable[..., Model]


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return exchange_schema()


@pytest.fixture(scope="module")
def diagrams(claims: Model) -> tuple[Diagram, ...]:
    return tuple(arrange(view) for view in standard_views(claims))


@pytest.fixture(scope="module")
def content(claims: Model, diagrams: tuple[Diagram, ...]) -> bytes:
    return write(claims, diagrams)


@needs_schemas
def test_the_file_is_valid_against_the_schemas(content: bytes, schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.fromstring(content))


@needs_schemas
def test_an_empty_model_is_valid_too(schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.fromstring(write(Model("Nothing yet"))))


@needs_schemas
def test_hostile_text_is_valid_too(schema: etree.XMLSchema, add: Make, relate: Make, build: Build) -> None:
    nasty = "\x00\x08<script>&\"'\ufffe ]]> \U0001d518 \ud7ff"
    model = build(
        add("Node", "id-a", nasty, **{nasty: nasty}),
        add("Node", "1 b", nasty),
        relate("Association", "id-a", "1 b"),
        name=nasty,
    )

    written = write(model, tuple(arrange(view) for view in standard_views(model)))

    schema.assertValid(etree.fromstring(written))
    assert import_problems(written) == ()


@needs_schemas
@pytest.mark.parametrize("name", ["archisurance.exchange-3.0.xml", "heyblue_MIT_ingeniala-heybluekata.xml"])
def test_models_of_others_come_through_unchanged(name: str, schema: etree.XMLSchema) -> None:
    model = read((DATA / "models" / name).read_bytes()).model

    written = write(model)

    schema.assertValid(etree.fromstring(written))
    assert read(written).model == model


def test_sections_stand_in_the_order_of_the_schema(content: bytes) -> None:
    order = ["name", "metadata", "elements", "relationships", "organizations", "propertyDefinitions", "views"]
    sections = [etree.QName(section).localname for section in etree.fromstring(content)]

    assert sections == [section for section in order if section in sections]
    assert {"elements", "relationships", "views"} <= set(sections)


def test_ids_are_unique_and_references_lead_somewhere(content: bytes) -> None:
    root = etree.fromstring(content)
    ids = [one.get("identifier") for one in root.iter() if one.get("identifier")]
    references = [
        one.get(name)
        for one in root.iter()
        for name in ("source", "target", "elementRef", "relationshipRef", "identifierRef", "propertyDefinitionRef")
        if one.get(name)
    ]

    assert len(ids) == len(set(ids))
    assert set(references) <= set(ids)


def test_every_concept_and_view_is_in_a_folder(content: bytes, claims: Model, diagrams: tuple[Diagram, ...]) -> None:
    filed = [
        one.get("identifierRef") for one in etree.fromstring(content).iter(tag("item")) if one.get("identifierRef")
    ]

    assert sorted(filed) == sorted([*claims.elements, *claims.relations, *(diagram.id for diagram in diagrams)])


def test_reading_gives_back_what_was_written(content: bytes, claims: Model, diagrams: tuple[Diagram, ...]) -> None:
    found = read(content)

    assert found.model == claims
    assert [diagram.boxes for diagram in found.diagrams] == [diagram.boxes for diagram in diagrams]
    assert [[wire.points for wire in diagram.wires] for diagram in found.diagrams] == [
        [wire.points for wire in diagram.wires] for diagram in diagrams
    ]


def test_the_same_model_gives_the_same_bytes(content: bytes, claims: Model) -> None:
    assert write(claims, tuple(arrange(view) for view in standard_views(claims))) == content


def test_importers_would_take_the_file(content: bytes) -> None:
    assert import_problems(content) == ()


@pytest.mark.parametrize(
    ("found", "instead", "problem"),
    [
        (b'xsi:type="Stakeholder"', b'xsi:type="Nobody"', "unknown type Nobody"),
        (b'xsi:type="Influence"', b'xsi:type="Hope"', "unknown type Hope"),
        (b'source="id-stk-01"', b'source="id-none"', "has no source id-none"),
        (b'elementRef="id-stk-01"', b'elementRef="id-none"', "shows the unknown element id-none"),
        (
            b'relationshipRef="id-influence-id-drv-01-id-goal-01"',
            b'relationshipRef="id-none"',
            "unknown relationship id-none",
        ),
        (b'source="view-motivation-id-stk-01"', b'source="view-motivation-none"', "has no source view-motivation-none"),
        (b' x="', b' nox="', "no whole coordinates"),
        (b'r="227"', b'red="227"', "a colour without its parts"),
    ],
)
def test_importers_would_refuse_a_file_that_is_broken(
    content: bytes, found: bytes, instead: bytes, problem: str
) -> None:
    assert found in content

    assert any(problem in one for one in import_problems(content.replace(found, instead)))


def test_importers_would_refuse_a_model_without_elements() -> None:
    assert import_problems(write(Model("Nothing yet"))) == ("the model has no elements",)


def test_a_file_that_is_no_exchange_file_is_refused_with_the_reason() -> None:
    with pytest.raises(PayloadInvalid, match="not well-formed"):
        read(b"<model")
    with pytest.raises(PayloadInvalid, match="starts with a <model>"):
        read(b"<svg/>")


def test_a_file_that_declares_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><model xmlns="http://www.opengroup.org/xsd/archimate/3.0/"><name>&b;</name></model>'

    with pytest.raises(PayloadInvalid, match="no document type declaration"):
        read(bomb)
