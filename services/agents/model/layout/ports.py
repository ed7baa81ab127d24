"""Ports: where lines leave boxes, and how those of inner boxes get out of what they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.agents.model.layout.blocks import GUTTER_X, GUTTER_Y, PADDING, Cell
from services.agents.model.layout.channels import CLEARANCE, Channel
from services.agents.model.layout.diagram import Point
from services.agents.model.layout.places import Place, Places
from services.agents.model.layout.trips import End, Side, Trip, channel_at

Way = tuple[Point, ...]
"""From an element's edge to the edge of its block; heights count from the top of the row."""


class Ports:
    """One port for each bundle on each box that it touches, in the order of where the bundles go."""

    def __init__(self, trips: Sequence[Trip], places: Places, channels: Sequence[Channel]) -> None:
        self._places = places
        self._channels = channels
        self._ways: dict[tuple[str, str], Way] = {}
        self._make(trips)

    def way(self, element_id: str, bundle: str) -> Way:
        """Return the way out of the element for the bundle."""
        return self._ways[element_id, bundle]

    def x(self, element_id: str, bundle: str) -> int:
        """Return where the bundle crosses the edge of the element's block."""
        return self._ways[element_id, bundle][-1][0]

    def _make(self, trips: Sequence[Trip]) -> None:
        """Give every bundle a port on each box that it touches, in the order of where it goes."""
        wishes: dict[End, dict[str, list[int]]] = {}
        for trip in trips:
            leaf, centre = trip.ends
            wishes.setdefault(leaf, {}).setdefault(trip.bundle, []).append(self._places.corner(trip.centre).middle)
            wishes.setdefault(centre, {}).setdefault(trip.bundle, []).append(self._places.corner(trip.leaf).middle)
        lone = {end for end, bundles in wishes.items() if len(bundles) == 1 and len(next(iter(bundles.values()))) == 1}
        facing = {end: other for trip in trips for end, other in _ends_both_ways(trip) if {end, other} <= lone}
        for (element_id, side), bundles in wishes.items():
            from_left = sorted(bundles, key=lambda one: (sum(bundles[one]) / len(bundles[one]), one))
            for ordinal, bundle in enumerate(from_left):
                wished = self._wished(element_id, side, (ordinal + 1) / (len(from_left) + 1), facing)
                self._ways[element_id, bundle] = self._port(element_id, side, bundle, wished)

    def _wished(self, element_id: str, side: Side, share: float, facing: Mapping[End, End]) -> int:
        """Return where a line should leave: straight to its other end if each has only the other, else by its share."""
        corner = self._places.corner(element_id)
        other = facing.get((element_id, side))
        if other is not None:
            opposite = self._places.corner(other[0])
            left, right = max(corner.left, opposite.left), min(corner.right, opposite.right)
            if right - left > 2 * CLEARANCE:
                return (left + right) // 2
        left = corner.left
        if side is Side.TOP and self._places[element_id].path:
            left = max(left, min(self._title_end(element_id), corner.right - 4 * CLEARANCE))
        return left + int((corner.right - left) * share)

    def _title_end(self, element_id: str) -> int:
        """Return where the titles of the boxes that the element stands in end: lines upwards keep right of them."""
        around = self._places.chain(self._places[element_id])[:-1]
        return max(one.left + PADDING + one.block.title_width for one in around)

    def _port(self, element_id: str, side: Side, bundle: str, wished: int) -> Way:
        """Return the way from the element's edge to its block's edge, which no other bundle uses if there is room."""
        place, corner = self._places[element_id], self._places.corner(element_id)
        channel = self._channels[channel_at(place.row, side)]
        ways = (
            self._escape(place, side, x)
            for x in _outwards(wished)
            if corner.left + CLEARANCE <= x <= corner.right - CLEARANCE
        )
        first = next(ways)
        way = (
            first
            if channel.is_free(first[-1][0], bundle)
            else next((one for one in ways if channel.is_free(one[-1][0], bundle)), first)
        )
        channel.stop(way[-1][0], bundle)
        return way

    def _escape(self, place: Place, side: Side, x: int) -> Way:
        """Return the points from an element's edge at `x` to the edge of its block, round its siblings."""
        chain = self._places.chain(place)
        points: list[Point] = []
        for step, parent, child in reversed(list(zip(place.path, chain, chain[1:], strict=False))):
            edge = child.top if side is Side.TOP else child.bottom
            points.append((x, edge))
            cell = parent.block.cells[step]
            if _is_blocked(cell, parent.block.cells, side, x - parent.left):
                gutter = edge - GUTTER_Y // 2 if side is Side.TOP else edge + GUTTER_Y // 2
                points.append((x, gutter))
                x = child.left - GUTTER_X // 2 + x % 7 - 3
                points.append((x, gutter))
        points.append((x, chain[0].top if side is Side.TOP else chain[0].bottom))
        return tuple(points)


def _ends_both_ways(trip: Trip) -> tuple[tuple[End, End], tuple[End, End]]:
    return trip.ends, trip.ends[::-1]


def _is_blocked(cell: Cell, cells: Iterable[Cell], side: Side, x: int) -> bool:
    """Return whether a sibling stands between the cell and the edge of their parent at `x`."""
    rows = [one.row for one in cells if one.dx - CLEARANCE < x < one.dx + one.block.w + CLEARANCE]
    return any(row < cell.row if side is Side.TOP else row > cell.row for row in rows)


def _outwards(wished: int) -> Iterator[int]:
    """Yield the wished place, then places on both sides of it, further and further."""
    yield wished
    for distance in range(CLEARANCE, 40 * CLEARANCE, CLEARANCE):
        yield wished + distance
        yield wished - distance
