"""Wires as SVG. What the wires of a bundle share is drawn once: dashes drawn twice would fill each other's gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from services.agents.model.drawing.palette import STROKES, Head
from services.agents.model.elements import AccessType, RelationType
from services.agents.model.graph import Model, Relation
from services.agents.model.layout.diagram import Diagram, Point, Wire

CORNER = 5

Segment = tuple[Point, Point]


def draw_wires(diagram: Diagram, model: Model) -> Iterator[str]:
    """Yield the SVG of every line, its heads, and an unseen broad line that tells what it means."""
    bundles: dict[str, list[Wire]] = {}
    for wire in diagram.wires:
        bundles.setdefault(wire.bundle or wire.relation_id, []).append(wire)
    heads: dict[tuple[Point, Head], str] = {}
    for wires in bundles.values():
        dashes = STROKES[model.relations[wires[0].relation_id].type].dashes
        yield _path(_rounded(wires[0].points) if len(wires) == 1 else _tree(wires), dashes)
        for wire in wires:
            relation = model.relations[wire.relation_id]
            at_source, at_target = heads_of(relation)
            heads[wire.points[0], at_source] = head(at_source, wire.points[1], wire.points[0])
            heads[wire.points[-1], at_target] = head(at_target, wire.points[-2], wire.points[-1])
    yield from (drawn for drawn in heads.values() if drawn)
    for wire in diagram.wires:
        meaning = escape(_meaning(model, model.relations[wire.relation_id]))
        way = _straight(wire.points)
        yield f'<path d="{way}" stroke="transparent" stroke-width="9"><title>{meaning}</title></path>'


def heads_of(relation: Relation) -> tuple[Head, Head]:
    """Return the forms at both ends; an access relation points to whoever receives."""
    stroke = STROKES[relation.type]
    if relation.type is RelationType.ACCESS:
        reads = relation.access in {AccessType.READ, AccessType.READ_WRITE}
        writes = relation.access in {AccessType.WRITE, AccessType.READ_WRITE}
        return Head.OPEN if reads else Head.NONE, Head.OPEN if writes else Head.NONE
    if relation.directed:
        return Head.NONE, Head.OPEN
    return stroke.at_source, stroke.at_target


def head(form: Head, before: Point, tip: Point) -> str:
    """Return the SVG of a head whose line comes from `before` and ends at `tip`."""
    dx, dy = _unit(before, tip)

    def at(back: float, aside: float = 0) -> str:
        return f"{_number(tip[0] - dx * back - dy * aside)} {_number(tip[1] - dy * back + dx * aside)}"

    match form:
        case Head.OPEN:
            return f'<path d="M{at(7, 4)}L{at(0)}L{at(7, -4)}"/>'
        case Head.FILLED:
            return f'<path d="M{at(8, 3.8)}L{at(0)}L{at(8, -3.8)}Z" fill="currentColor"/>'
        case Head.TRIANGLE:
            return f'<path d="M{at(9, 4.6)}L{at(0)}L{at(9, -4.6)}Z" fill="var(--bg,#fff)"/>'
        case Head.DIAMOND | Head.DIAMOND_FILLED:
            fill = "currentColor" if form is Head.DIAMOND_FILLED else "var(--bg,#fff)"
            return f'<path d="M{at(0)}L{at(6, 3.8)}L{at(12)}L{at(6, -3.8)}Z" fill="{fill}"/>'
        case Head.DOT:
            x, y = at(3).split()
            return f'<circle cx="{x}" cy="{y}" r="3" fill="currentColor"/>'
        case _:
            return ""


def _path(d: str, dashes: str) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{d}"{dashed}/>'


def _straight(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _rounded(points: Sequence[Point]) -> str:
    """Return a path whose corners are round where there is room for it."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        (ix, iy), (ox, oy) = _unit(before, corner), _unit(corner, after)
        enter = f"{_number(corner[0] - ix * radius)} {_number(corner[1] - iy * radius)}"
        leave = f"{_number(corner[0] + ox * radius)} {_number(corner[1] + oy * radius)}"
        parts.append(f"L{enter}Q{corner[0]} {corner[1]} {leave}")
    parts.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(parts)


def _tree(wires: Iterable[Wire]) -> str:
    """Return every stretch of the bundle once."""
    level: dict[int, list[tuple[int, int]]] = {}
    upright: dict[int, list[tuple[int, int]]] = {}
    for wire in wires:
        for (x1, y1), (x2, y2) in zip(wire.points, wire.points[1:], strict=False):
            if y1 == y2:
                level.setdefault(y1, []).append((min(x1, x2), max(x1, x2)))
            else:
                upright.setdefault(x1, []).append((min(y1, y2), max(y1, y2)))
    across = (f"M{left} {y}H{right}" for y, spans in sorted(level.items()) for left, right in _joined(spans))
    down = (f"M{x} {top}V{bottom}" for x, spans in sorted(upright.items()) for top, bottom in _joined(spans))
    return "".join((*across, *down))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of the spans."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


_VERBS: Mapping[RelationType, str] = {
    RelationType.ACCESS: "accesses",
    RelationType.AGGREGATION: "groups",
    RelationType.ASSIGNMENT: "is assigned to",
    RelationType.ASSOCIATION: "is associated with",
    RelationType.COMPOSITION: "consists of",
    RelationType.FLOW: "flows to",
    RelationType.INFLUENCE: "influences",
    RelationType.REALIZATION: "realises",
    RelationType.SERVING: "serves",
    RelationType.SPECIALIZATION: "is a kind of",
    RelationType.TRIGGERING: "triggers",
}


def _meaning(model: Model, relation: Relation) -> str:
    source, target = (_name(model, end) for end in (relation.source_id, relation.target_id))
    label = f" ({relation.name})" if relation.name else ""
    return f"{source} {_VERBS[relation.type]} {target}{label}"


def _name(model: Model, concept_id: str) -> str:
    element = model.elements.get(concept_id)
    return element.name if element else concept_id


def _length(one: Point, other: Point) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _unit(start: Point, end: Point) -> tuple[int, int]:
    """Return the direction of a line that is level or upright."""
    if start[1] == end[1]:
        return (1 if end[0] >= start[0] else -1), 0
    return 0, (1 if end[1] >= start[1] else -1)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
