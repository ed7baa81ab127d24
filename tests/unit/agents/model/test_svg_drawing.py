from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from archwright.agents.v1.model_pb2 import ModelOp
from services.agents.model.drawing.icons import ICONS
from services.agents.model.drawing.lines import head, heads_of
from services.agents.model.drawing.palette import STROKES, Head
from services.agents.model.elements import JUNCTIONS, AccessType, ElementType, RelationType
from services.agents.model.graph import Model, Relation
from services.agents.model.layout import arrange
from services.agents.model.svg import draw
from services.agents.model.text import advance, shorten, wrap, xml_id, xml_text
from services.agents.model.views import standard_views

SVG = "{http://www.w3.org/2000/svg}"


def test_every_view_is_well_formed_and_shows_every_name(claims: Model) -> None:
    for view in standard_views(claims):
        picture = ElementTree.fromstring(draw(arrange(view), claims))
        titles = " ".join(title.text or "" for title in picture.iter(f"{SVG}title"))
        assert all(element.name in titles for element in view.elements)


def test_a_picture_needs_nothing_from_outside_and_has_no_ids(claims: Model) -> None:
    for view in standard_views(claims):
        picture = draw(arrange(view), claims)
        assert "href" not in picture
        assert "url(" not in picture
        assert " id=" not in picture


def test_hostile_names_stay_text(add: Callable[..., ModelOp], build: Callable[..., Model]) -> None:
    model = build(add("Node", "id-a", '</text><script>alert("x")</script>\x0b'))
    (view,) = standard_views(model)

    picture = draw(arrange(view), model)

    assert "<script" not in picture
    ElementTree.fromstring(picture)


def test_every_type_has_a_sign_and_every_relation_a_stroke() -> None:
    assert set(ICONS) == set(ElementType) - JUNCTIONS
    assert set(STROKES) == set(RelationType)


@pytest.mark.parametrize(
    ("access", "heads"),
    [
        (AccessType.READ, (Head.OPEN, Head.NONE)),
        (AccessType.WRITE, (Head.NONE, Head.OPEN)),
        (AccessType.READ_WRITE, (Head.OPEN, Head.OPEN)),
        (AccessType.ACCESS, (Head.NONE, Head.NONE)),
    ],
)
def test_an_access_points_to_whoever_receives(access: AccessType, heads: tuple[Head, Head]) -> None:
    assert heads_of(Relation("id-r", RelationType.ACCESS, "id-a", "id-b", access=access)) == heads


@pytest.mark.parametrize("form", [form for form in Head if form is not Head.NONE])
def test_every_head_is_drawn(form: Head) -> None:
    assert head(form, (0, 0), (0, 20)).startswith(("<path", "<circle"))


def test_long_names_wrap_and_end_in_an_ellipsis() -> None:
    lines = wrap("The system must be able to tell everyone about everything at every time of the day", 120, 11.5, 3)

    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(advance(line, 11.5) <= 120 for line in lines)


def test_a_word_wider_than_the_box_is_broken() -> None:
    lines = wrap("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", 120, 11.5, 9)

    assert len(lines) > 1
    assert "".join(lines).startswith("Donaudampf")
    assert all(advance(line, 11.5) <= 120 for line in lines)


def test_wide_letters_count_as_wide() -> None:
    assert advance("保険金請求", 10) > advance("claim", 10)


def test_text_that_fits_stays_as_it_is() -> None:
    assert shorten("Claims", 100, 11) == "Claims"


def test_ids_and_text_lose_only_what_xml_forbids() -> None:
    assert xml_text("a\x00b\tc") == "a\ufffdb\tc"
    assert xml_id("id-Claim_1.a") == "id-Claim_1.a"
    assert xml_id("9 lives") == "id-9-lives"
