"""Lines as points, without needless ones."""

from __future__ import annotations

from collections.abc import Sequence

from services.agents.model.layout.diagram import Point


def simplified(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the same line without points that are repeated or lie on the way between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        while len(kept) >= 2 and _is_on_the_way(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def _is_on_the_way(first: Point, middle: Point, last: Point) -> bool:
    is_level = first[1] == middle[1] == last[1] and min(first[0], last[0]) <= middle[0] <= max(first[0], last[0])
    is_upright = first[0] == middle[0] == last[0] and min(first[1], last[1]) <= middle[1] <= max(first[1], last[1])
    return is_level or is_upright
