from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.elements import AccessType, ElementType, RelationType
from services.agents.model.exchange.check import import_problems
from services.agents.model.exchange.write import write
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.merge import TRACE_PROPERTY, merge
from services.agents.model.relationships import is_permitted
from services.agents.model.views import standard_views

Make = Callable[..., ModelOp]
Build = Callable[..., Model]


def codes(model: Model) -> list[str]:
    return [problem.code for problem in model.problems]


def test_elements_and_relations_of_several_outputs_become_one_model(add: Make, relate: Make) -> None:
    analyst = AgentOutput(model_ops=[add("Requirement", "id-req", "Submit a claim")])
    architect = AgentOutput(
        model_ops=[add("ApplicationComponent", "id-cmp", "Claims"), relate("Realization", "id-cmp", "id-req")]
    )

    model = merge([analyst, architect])

    assert list(model.elements) == ["id-req", "id-cmp"]
    assert [relation.type for relation in model.relations.values()] == [RelationType.REALIZATION]
    assert model.problems == ()


def test_a_relation_to_an_element_that_comes_later_is_kept(add: Make, relate: Make, build: Build) -> None:
    model = build(add("Node", "id-a"), relate("Association", "id-a", "id-b"), add("Node", "id-b"))

    assert len(model.relations) == 1


def test_an_illegal_relation_is_left_out_and_reported_with_what_is_permitted(
    add: Make, relate: Make, build: Build
) -> None:
    model = build(add("Node", "id-a"), add("ApplicationComponent", "id-b"), relate("Assignment", "id-a", "id-b"))

    assert not model.relations
    assert codes(model) == ["MODEL_RELATION_ILLEGAL"]
    assert "permits Association" in model.problems[0].message


def test_a_dangling_relation_is_left_out_and_reported(add: Make, relate: Make, build: Build) -> None:
    model = build(add("Node", "id-a"), relate("Association", "id-a", "id-nowhere"))

    assert not model.relations
    assert model.problems[0].code == "MODEL_END_MISSING"
    assert "id-nowhere" in model.problems[0].message


def test_a_relation_to_a_relation_that_was_left_out_is_left_out_too(add: Make, relate: Make, build: Build) -> None:
    model = build(
        add("Node", "id-a"),
        add("ApplicationComponent", "id-b"),
        relate("Assignment", "id-a", "id-b", own="id-illegal"),
        relate("Association", "id-a", "id-illegal"),
    )

    assert not model.relations


def test_the_same_fact_said_twice_is_one_relation(add: Make, relate: Make, build: Build) -> None:
    model = build(
        add("Node", "id-a"),
        add("Node", "id-b"),
        relate("Association", "id-a", "id-b", own="id-one"),
        relate("Association", "id-a", "id-b", own="id-two"),
    )

    assert list(model.relations) == ["id-one"]


def test_an_id_that_is_taken_keeps_its_first_meaning(add: Make, build: Build) -> None:
    model = build(add("Node", "id-a", "First"), add("Device", "id-a", "Second"))

    assert model.elements["id-a"].name == "First"
    assert codes(model) == ["MODEL_ID_TAKEN"]


def test_the_same_element_said_twice_is_no_problem(add: Make, build: Build) -> None:
    model = build(add("Node", "id-a", "First"), add("Node", "id-a", "First"))

    assert model.problems == ()


@pytest.mark.parametrize("own", ["1st", "a b", "view-motivation", "", "é", "-x"])
def test_an_id_that_no_file_can_hold_is_replaced_everywhere(own: str, add: Make, relate: Make, build: Build) -> None:
    model = build(add("Node", own, "A"), add("Node", "id-b", "B"), relate("Association", own, "id-b", own="id-r"))

    (relation,) = model.relations.values()
    assert relation.source_id in model.elements
    assert model.elements[relation.source_id].name == "A"
    assert codes(model) == ["MODEL_ID_RENAMED"]


def test_two_ids_that_look_alike_once_cleaned_stay_two(add: Make, build: Build) -> None:
    model = build(add("Node", "id a", "A"), add("Node", "id/a", "B"))

    assert [element.name for element in model.elements.values()] == ["A", "B"]


def test_an_unknown_type_is_reported(add: Make, build: Build) -> None:
    model = build(add("Microservice", "id-a"))

    assert not model.elements
    assert codes(model) == ["MODEL_TYPE_UNKNOWN"]


def test_removing_an_element_removes_its_relations(add: Make, relate: Make, build: Build) -> None:
    model = build(
        add("Node", "id-a"),
        add("Node", "id-b"),
        relate("Association", "id-a", "id-b"),
        ModelOp(op=ModelOp.REMOVE, id="id-b"),
    )

    assert list(model.elements) == ["id-a"]
    assert not model.relations
    assert model.problems == ()


def test_replacing_an_element_moves_its_relations(add: Make, relate: Make, build: Build) -> None:
    model = build(
        add("SystemSoftware", "id-old", "Mainframe"),
        add("Node", "id-host"),
        relate("Assignment", "id-host", "id-old"),
        ModelOp(op=ModelOp.REPLACE, id="id-new", source_id="id-old", type="SystemSoftware", name="Policy service"),
    )

    (relation,) = model.relations.values()
    assert (relation.source_id, relation.target_id) == ("id-host", "id-new")
    assert "id-old" not in model.elements


def test_an_update_changes_what_it_names_and_nothing_else(add: Make, build: Build) -> None:
    model = build(
        add("Node", "id-a", "Cluster", zone="public"),
        ModelOp(op=ModelOp.UPDATE, id="id-a", props={"size": "2"}, rationale="More load."),
    )

    element = model.elements["id-a"]
    assert (element.name, element.type) == ("Cluster", ElementType.NODE)
    assert element.documentation == "More load."
    assert dict(element.properties) == {"zone": "public", "size": "2"}


@pytest.mark.parametrize("op", [ModelOp.UPDATE, ModelOp.REMOVE])
def test_touching_what_is_not_there_is_reported(op: ModelOp.Op, build: Build) -> None:
    assert codes(build(ModelOp(op=op, id="id-none"))) == ["MODEL_ID_UNKNOWN"]


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("read_write", AccessType.READ_WRITE),
        ("Write", AccessType.WRITE),
        ("read", AccessType.READ),
        ("", AccessType.ACCESS),
    ],
)
def test_access_types_are_read_in_any_spelling(
    spelled: str, meant: AccessType, add: Make, relate: Make, build: Build
) -> None:
    model = build(
        add("BusinessProcess", "id-p"),
        add("BusinessObject", "id-o"),
        relate("Access", "id-p", "id-o", access_type=spelled),
    )

    assert next(iter(model.relations.values())).access is meant


def test_what_an_element_comes_from_is_a_property(build: Build) -> None:
    op = ModelOp(op=ModelOp.ADD_ELEMENT, type="Node", id="id-a", name="A", trace_ids=["REQ-F-001", "REQ-F-002"])

    assert build(op).elements["id-a"].properties == ((TRACE_PROPERTY, "REQ-F-001, REQ-F-002"),)


words = st.text(max_size=12)
ids = st.sampled_from(["id-a", "id-b", "id-c", "", "1", "a b", "view-x", "é\x00"]) | words
types = st.sampled_from([*(one.value for one in ElementType), *(one.value for one in RelationType), "Nonsense", ""])
ops = st.builds(
    ModelOp,
    op=st.integers(min_value=0, max_value=5),
    id=ids,
    type=types,
    name=words,
    source_id=ids,
    target_id=ids,
    rationale=words,
    props=st.dictionaries(words, words, max_size=2),
)


@given(st.lists(ops, max_size=14))
def test_whatever_the_operations_say_the_model_is_sound_and_can_be_written(drawn: list[ModelOp]) -> None:
    model = merge([AgentOutput(model_ops=drawn)])

    for relation in model.relations.values():
        source, target = model.concept(relation.source_id), model.concept(relation.target_id)
        assert source is not None
        assert target is not None
        assert is_permitted(relation.type, source, target)
    content = write(model, tuple(arrange(view) for view in standard_views(model)))
    assert import_problems(content) == (() if model.elements else ("the model has no elements",))
