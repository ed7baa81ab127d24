"""Gives a view its coordinates: tiers become rows, relations become lines around the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from services.agents.model.elements import RelationType
from services.agents.model.layout.blocks import Block, build, square
from services.agents.model.layout.diagram import Box, Diagram, Point, Wire
from services.agents.model.layout.order import ordered
from services.agents.model.layout.route import Line, Router
from services.agents.model.layout.rows import place
from services.agents.model.views import View, Viewpoint

__all__ = ["Box", "Diagram", "Wire", "arrange"]

MARGIN = 20
_IN_TIME = frozenset({RelationType.TRIGGERING, RelationType.FLOW})


def arrange(view: View) -> Diagram:
    """Return the diagram of `view`."""
    parent_of = dict(view.parents)
    children: dict[str, list[str]] = {}
    for element in view.elements:
        if element.id in parent_of:
            children.setdefault(parent_of[element.id], []).append(element.id)
    tiers = _top_level(view, parent_of)
    names = {element.id: element.name for element in view.elements}
    rows = place(
        [[build(member, names, children, partial(_columns, view.viewpoint)) for member in tier] for tier in tiers]
    )
    router = Router(rows, view.relations)
    lines = tuple(router.lines())
    left = min([0, *(x for line in lines for x, _ in line.points)])
    top = min([0, *(y for line in lines for _, y in line.points)])
    shift = (MARGIN - left, MARGIN - top)
    boxes = tuple(_box(block, block.x, row.y, shift) for row in rows for block in row.blocks)
    wires = tuple(_wire(line, shift) for line in lines)
    right = max([*(box.x + box.w for box in boxes), *(x for wire in wires for x, _ in wire.points)])
    return Diagram(
        id=view.id,
        name=view.viewpoint.title,
        viewpoint=view.viewpoint.name,
        documentation=view.viewpoint.purpose,
        boxes=boxes,
        wires=wires,
        width=right + MARGIN,
        height=router.bottom + shift[1] + MARGIN,
    )


def _columns(viewpoint: Viewpoint, count: int) -> int:
    return min(count, viewpoint.columns_max) if viewpoint.in_lines else square(count, viewpoint.columns_max)


def _top_level(view: View, parent_of: dict[str, str]) -> list[list[str]]:
    """Return the tiers of elements that stand in no other, in drawing order."""

    def outermost(element_id: str) -> str:
        while element_id in parent_of:
            element_id = parent_of[element_id]
        return element_id

    tiers = [[element.id for element in tier if element.id not in parent_of] for tier in view.tiers]
    shown = {member for tier in tiers for member in tier}
    ends = [
        (relation.type, outermost(relation.source_id), outermost(relation.target_id)) for relation in view.relations
    ]
    links = [(source, target) for _, source, target in ends if source in shown and target in shown]
    sequences = [(source, target) for kind, source, target in ends if kind in _IN_TIME and {source, target} <= shown]
    return [tier for tier in ordered([one for one in tiers if one], links, sequences) if tier]


def _box(block: Block, x: int, y: int, shift: Point) -> Box:
    children: Sequence[Box] = [_box(cell.block, x + cell.dx, y + cell.dy, shift) for cell in block.cells]
    return Box(block.element_id, x + shift[0], y + shift[1], block.w, block.h, tuple(children))


def _wire(line: Line, shift: Point) -> Wire:
    return Wire(line.relation_id, tuple((x + shift[0], y + shift[1]) for x, y in line.points), line.bundle)
