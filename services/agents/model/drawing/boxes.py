"""Boxes as SVG: cut corners for motivation, round ones for behaviour, the type's sign, and a name that fits."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from services.agents.model.drawing.icons import ICONS
from services.agents.model.drawing.palette import INK, colours
from services.agents.model.elements import JUNCTIONS, Aspect, ElementType
from services.agents.model.graph import Element
from services.agents.model.layout.blocks import ICON_WIDTH, PADDING, TITLE_LINE, TITLE_SIZE
from services.agents.model.layout.diagram import Box
from services.agents.model.text import wrap

NAME_SIZE = 11.5
NAME_LINE = 14
CAPTION_SIZE = 8.5
CAPTION_BASE = 14
CUT = 7
ROUND = 9


def draw_leaf(box: Box, element: Element) -> Iterator[str]:
    """Yield the SVG of a box that holds nothing but its name."""
    yield f'<g class="box"><title>{_tooltip(element)}</title>'
    if element.type in JUNCTIONS:
        fill = INK if element.type is ElementType.AND_JUNCTION else "#fff"
        yield f'<circle cx="{box.x + box.w // 2}" cy="{box.y + box.h // 2}" r="7" fill="{fill}" stroke="{INK}"/></g>'
        return
    yield _outline(box, element.type, look="")
    yield _sign(box, element.type)
    yield (
        f'<text x="{box.x + 9}" y="{box.y + CAPTION_BASE}" font-size="{CAPTION_SIZE}" fill="{INK}" opacity=".62">'
        f"{escape(element.type.words)}</text>"
    )
    lines = wrap(element.name, box.w - 18, NAME_SIZE, 3)
    free = box.h - CAPTION_BASE - 4
    baseline = box.y + CAPTION_BASE + (free - NAME_LINE * len(lines)) // 2 + NAME_LINE - 2
    middle = box.x + box.w // 2
    for ordinal, line in enumerate(lines):
        yield (
            f'<text x="{middle}" y="{baseline + NAME_LINE * ordinal}" font-size="{NAME_SIZE}" font-weight="500" '
            f'text-anchor="middle" fill="{INK}">{escape(line)}</text>'
        )
    yield "</g>"


def draw_container(box: Box, element: Element) -> Iterator[str]:
    """Yield the SVG of a box that other boxes stand in."""
    yield f'<g class="box"><title>{_tooltip(element)}</title>'
    yield _outline(box, element.type, look=' class="holds" fill-opacity=".42"')
    yield _sign(box, element.type)
    for ordinal, line in enumerate(wrap(element.name, box.w - 2 * PADDING - ICON_WIDTH, TITLE_SIZE, 2)):
        yield (
            f'<text x="{box.x + PADDING}" y="{box.y + PADDING + 8 + TITLE_LINE * ordinal}" class="title" '
            f'font-size="{TITLE_SIZE}" font-weight="600" fill="currentColor">{escape(line)}</text>'
        )
    yield "</g>"


def _outline(box: Box, element_type: ElementType, look: str) -> str:
    found = colours(element_type)
    paint = f'fill="{found.fill}"{look} stroke="{found.edge}"'
    match element_type.aspect:
        case Aspect.MOTIVATION:
            wide, high = box.w - 2 * CUT, box.h - 2 * CUT
            corners = f"l{CUT} {CUT}v{high}l-{CUT} {CUT}h-{wide}l-{CUT} -{CUT}v-{high}z"
            return f'<path d="M{box.x + CUT} {box.y}h{wide}{corners}" {paint}/>'
        case Aspect.BEHAVIOUR:
            radius = ROUND
        case _:
            radius = 2
    return f'<rect x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="{radius}" {paint}/>'


def _sign(box: Box, element_type: ElementType) -> str:
    icon = ICONS.get(element_type)
    if icon is None:
        return ""
    place = f"translate({box.x + box.w - 22} {box.y + 5})"
    return (
        f'<path transform="{place}" d="{icon}" fill="none" stroke="{colours(element_type).edge}" stroke-width="1.1"/>'
    )


def _tooltip(element: Element) -> str:
    parts = [f"{element.type.words}: {element.name}", element.documentation]
    return escape("\n".join(part for part in parts if part))
