from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.elements import ElementType, RelationType
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.layout.diagram import Box, Diagram, Point
from services.agents.model.layout.order import ordered
from services.agents.model.layout.points import simplified
from services.agents.model.merge import merge
from services.agents.model.views import VIEWPOINTS, standard_views

TYPES = [one.value for one in ElementType]
KINDS = [one.value for one in RelationType]


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Any model: elements of some types, and relations of which the permitted ones stay."""
    used = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6))
    kinds = draw(st.lists(st.sampled_from(used), min_size=1, max_size=40))
    ops = [ModelOp(op=ModelOp.ADD_ELEMENT, type=kind, id=f"id-{n}", name=f"{kind} {n}") for n, kind in enumerate(kinds)]
    ends = st.integers(min_value=0, max_value=len(kinds) - 1)
    for n, (kind, source, target) in enumerate(
        draw(st.lists(st.tuples(st.sampled_from(KINDS), ends, ends), max_size=60))
    ):
        ops.append(
            ModelOp(
                op=ModelOp.ADD_RELATION, type=kind, id=f"id-r{n}", source_id=f"id-{source}", target_id=f"id-{target}"
            )
        )
    return merge([AgentOutput(model_ops=ops)])


def diagrams_of(model: Model) -> list[Diagram]:
    return [arrange(view) for view in standard_views(model)]


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.w and other.x < one.x + one.w and one.y < other.y + other.h and other.y < one.y + one.h
    )


def assert_siblings_stand_apart(boxes: tuple[Box, ...]) -> None:
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert not overlap(one, other), f"{one.element_id} and {other.element_id} overlap"
        for child in one.children:
            assert one.x < child.x
            assert child.x + child.w < one.x + one.w
            assert one.y < child.y
            assert child.y + child.h < one.y + one.h
        assert_siblings_stand_apart(one.children)


def passes_through(start: Point, end: Point, box: Box) -> bool:
    """Tell whether a level or upright line touches the inside of the box."""
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    return left < box.x + box.w and right > box.x and top < box.y + box.h and bottom > box.y


@settings(deadline=None, max_examples=60)
@given(models())
def test_boxes_and_lines_have_whole_coordinates_on_the_page(model: Model) -> None:
    for diagram in diagrams_of(model):
        for box in diagram.walk():
            assert all(isinstance(value, int) for value in (box.x, box.y, box.w, box.h))
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.w <= diagram.width
            assert box.y + box.h <= diagram.height
        for wire in diagram.wires:
            assert len(wire.points) >= 2
            assert all(0 <= x <= diagram.width and 0 <= y <= diagram.height for x, y in wire.points)


@settings(deadline=None, max_examples=60)
@given(models())
def test_no_two_siblings_overlap_and_children_stand_inside(model: Model) -> None:
    for diagram in diagrams_of(model):
        assert_siblings_stand_apart(diagram.boxes)


@settings(deadline=None, max_examples=60)
@given(models())
def test_lines_go_level_or_upright_and_around_top_level_boxes(model: Model) -> None:
    for diagram in diagrams_of(model):
        for wire in diagram.wires:
            relation = model.relations[wire.relation_id]
            ends = {relation.source_id, relation.target_id}
            strangers = [box for box in diagram.boxes if not ends & {inner.element_id for inner in box.walk()}]
            for start, end in zip(wire.points, wire.points[1:], strict=False):
                assert start[0] == end[0] or start[1] == end[1]
                assert not any(passes_through(start, end, box) for box in strangers)


@settings(deadline=None, max_examples=40)
@given(models())
def test_lines_start_and_end_at_the_boxes_that_they_connect(model: Model) -> None:
    for diagram in diagrams_of(model):
        boxes = {box.element_id: box for box in diagram.walk()}
        for wire in diagram.wires:
            relation = model.relations[wire.relation_id]
            for point, end in ((wire.points[0], relation.source_id), (wire.points[-1], relation.target_id)):
                box = boxes[end]
                assert box.x <= point[0] <= box.x + box.w
                assert box.y <= point[1] <= box.y + box.h
                on_edge = point[0] in {box.x, box.x + box.w} or point[1] in {box.y, box.y + box.h}
                assert on_edge


@settings(deadline=None, max_examples=30)
@given(models())
def test_the_same_model_gives_the_same_page(model: Model) -> None:
    assert diagrams_of(model) == diagrams_of(model)


@settings(deadline=None, max_examples=30)
@given(models())
def test_every_element_of_a_layer_is_seen_somewhere(model: Model) -> None:
    seen = {box.element_id for diagram in diagrams_of(model) for box in diagram.walk()}
    without_view = {"AndJunction", "OrJunction"}

    assert {one.id for one in model.elements.values() if one.type.value not in without_view} <= seen


def test_every_standard_view_of_a_whole_architecture_shows_something(claims: Model) -> None:
    diagrams = diagrams_of(claims)

    expected = [f"view-{viewpoint.key}" for viewpoint in VIEWPOINTS if viewpoint.key != "product"]
    assert [diagram.id for diagram in diagrams] == expected
    assert all(diagram.boxes for diagram in diagrams)


def test_parts_stand_inside_their_whole(claims: Model) -> None:
    (capabilities,) = (diagram for diagram in diagrams_of(claims) if diagram.id == "view-capability-map")
    (management,) = (box for box in capabilities.boxes if box.element_id == "id-cap-claims")

    assert [child.element_id for child in management.children] == ["id-cap-intake", "id-cap-assessment"]


def test_relations_of_one_kind_to_one_element_share_a_trunk(
    add: Callable[..., ModelOp], relate: Callable[..., ModelOp]
) -> None:
    ops = [add("Goal", "id-goal"), *(add("Requirement", f"id-{n}") for n in range(30))]
    ops += [relate("Realization", f"id-{n}", "id-goal") for n in range(30)]
    (diagram,) = diagrams_of(merge([AgentOutput(model_ops=ops)]))

    assert len({wire.bundle for wire in diagram.wires}) == 1
    assert len({wire.points[-1] for wire in diagram.wires}) == 1


def test_a_chain_of_processes_reads_from_left_to_right(
    add: Callable[..., ModelOp], relate: Callable[..., ModelOp]
) -> None:
    ops = [add("BusinessProcess", f"id-{n}") for n in (2, 0, 1)]
    ops += [relate("Triggering", "id-0", "id-1"), relate("Triggering", "id-1", "id-2")]
    (diagram,) = diagrams_of(merge([AgentOutput(model_ops=ops)]))

    assert [box.element_id for box in sorted(diagram.boxes, key=lambda box: box.x)] == ["id-0", "id-1", "id-2"]


@given(st.permutations(["a", "b", "c", "d"]), st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"))))
def test_ordering_loses_and_invents_nobody(tier: Iterable[str], before: list[tuple[str, str]]) -> None:
    (placed,) = ordered([list(tier)], before, before)

    assert sorted(placed) == ["a", "b", "c", "d"]


def test_a_line_without_detours_has_no_needless_points() -> None:
    assert simplified([(0, 0), (0, 5), (0, 5), (0, 9), (4, 9)]) == ((0, 0), (0, 9), (4, 9))
