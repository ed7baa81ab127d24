from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archwright.agents.v1.model_pb2 import ModelOp
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.layout.diagram import Box, Diagram
from services.agents.model.lint import lint
from services.agents.model.views import standard_views

Make = Callable[..., ModelOp]
Build = Callable[..., Model]


def codes(model: Model, *diagrams: Diagram) -> list[str]:
    return [problem.code for problem in lint(model, diagrams or tuple(arrange(view) for view in standard_views(model)))]


def test_a_tidy_model_has_no_problems(claims: Model) -> None:
    assert codes(claims) == []


def test_one_thing_said_twice_is_noticed(add: Make, build: Build) -> None:
    assert codes(build(add("Node", "id-a", "Cluster"), add("Node", "id-b", "cluster"))) == ["MODEL_ELEMENT_TWICE"]


def test_a_junction_of_different_relations_is_noticed(add: Make, relate: Make, build: Build) -> None:
    model = build(
        add("AndJunction", "id-j"),
        add("BusinessProcess", "id-a"),
        add("BusinessProcess", "id-b"),
        relate("Triggering", "id-a", "id-j"),
        relate("Flow", "id-j", "id-b"),
    )

    assert "MODEL_JUNCTION_MIXED" in codes(model)


def test_an_element_that_no_view_shows_is_noticed(claims: Model) -> None:
    (first, *_) = (arrange(view) for view in standard_views(claims))

    assert codes(claims, first) == ["MODEL_ELEMENT_UNSEEN"]


def test_a_box_in_a_box_needs_a_relation(add: Make, build: Build) -> None:
    model = build(add("Node", "id-a", "A"), add("Node", "id-b", "B"))
    (diagram,) = (arrange(view) for view in standard_views(model))
    nested = replace(diagram, boxes=(Box("id-a", 0, 0, 300, 200, (Box("id-b", 10, 40, 100, 50),)),), wires=())

    assert codes(model, nested) == ["MODEL_NESTING_UNFOUNDED"]
