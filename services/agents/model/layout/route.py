"""Lines that go around boxes: straight up and down between them, sideways only in the channels between rows.

Relations of one kind that meet at one element share a trunk (a bundle), so that sixty requirements of a goal are a tree
and not a thicket. Everything sideways is settled first; heights follow, because a channel is as high as it has tracks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.agents.model.graph import Relation
from services.agents.model.layout.blocks import GUTTER_X, GUTTER_Y, Cell
from services.agents.model.layout.channels import CLEARANCE, Channel
from services.agents.model.layout.diagram import Point
from services.agents.model.layout.nearby import between_neighbours, inside_block
from services.agents.model.layout.places import Place, Places
from services.agents.model.layout.rows import Row

SIDE = 16
OUTER_TRACKS = 24


class Side(StrEnum):
    """Where a line leaves a block."""

    TOP = "top"
    BOTTOM = "bottom"


End = tuple[str, Side]
"""An element and the side of it that a line leaves from."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One relation's way, from a leaf of its bundle to the bundle's centre."""

    relation: Relation
    bundle: str
    leaf: str
    centre: str
    leaf_side: Side
    centre_side: Side

    @property
    def ends(self) -> tuple[End, End]:
        """The leaf's end and the centre's."""
        return (self.leaf, self.leaf_side), (self.centre, self.centre_side)


@dataclass(frozen=True, slots=True)
class Line:
    """A relation's line on the page, from its source to its target."""

    relation_id: str
    bundle: str
    points: tuple[Point, ...]


class Router:
    """Finds the ways through the rows of one view, and with them the rows' heights on the page."""

    def __init__(self, rows: Sequence[Row], relations: Iterable[Relation]) -> None:
        self._rows = rows
        self._channels = [Channel() for _ in range(len(rows) + 1)]
        self._places = Places(rows)
        self._ports: dict[tuple[str, str], tuple[Point, ...]] = {}
        self._passes: dict[tuple[int, str], int] = {}
        self._near: dict[str, tuple[int, tuple[Point, ...]]] = {}
        self._stops: dict[str, list[tuple[int, int]]] = {}
        self._trips = self._sorted_out([one for one in relations if self._is_drawable(one)])
        self._make_ports()
        for trip in sorted(self._trips, key=self._distance):
            self._stops[trip.relation.id] = self._way(trip)
        for channel in self._channels:
            channel.assign_tracks()
        self._settle_heights()

    @property
    def bottom(self) -> int:
        """Where the drawing ends."""
        last = self._channels[-1]
        return last.y + (last.height if last.tracks else 0)

    def lines(self) -> Iterator[Line]:
        """Yield every line."""
        for relation_id, (row, points) in self._near.items():
            top = self._rows[row].y
            yield Line(relation_id, relation_id, simplified([(x, y + top) for x, y in points]))
        for trip in self._trips:
            points = self._points(trip)
            is_reversed = trip.leaf == trip.relation.target_id
            yield Line(trip.relation.id, trip.bundle, points[::-1] if is_reversed else points)

    # Which relations take which kind of way.

    def _is_drawable(self, relation: Relation) -> bool:
        """Return whether both ends have a place and neither stands inside the other."""
        if relation.source_id not in self._places or relation.target_id not in self._places:
            return False
        return not self._places[relation.source_id].is_nested_with(self._places[relation.target_id])

    def _sorted_out(self, relations: Sequence[Relation]) -> list[Trip]:
        """Return the trips through channels; draw the short lines that need none."""
        of_pair: Counter[frozenset[str]] = Counter()
        far: list[Relation] = []
        for relation in relations:
            source, target = self._places[relation.source_id], self._places[relation.target_id]
            corners = self._places.corner(relation.source_id), self._places.corner(relation.target_id)
            if source.shares_block(target):
                self._near[relation.id] = (source.row, inside_block(*corners, source, target))
            elif _are_neighbours(source, target):
                pair = frozenset((relation.source_id, relation.target_id))
                self._near[relation.id] = (source.row, between_neighbours(*corners, of_pair[pair]))
                of_pair[pair] += 1
            else:
                far.append(relation)
        outgoing = Counter((one.type, one.source_id) for one in far)
        incoming = Counter((one.type, one.target_id) for one in far)
        return [
            self._trip(one, from_source=outgoing[one.type, one.source_id] > incoming[one.type, one.target_id])
            for one in far
        ]

    def _trip(self, relation: Relation, *, from_source: bool) -> Trip:
        ends = relation.source_id, relation.target_id
        centre, leaf = ends if from_source else ends[::-1]
        centre_row, leaf_row = self._places[centre].row, self._places[leaf].row
        return Trip(
            relation=relation,
            bundle=f"{relation.type} {'from' if from_source else 'to'} {centre} {_side(centre_row, leaf_row)}",
            leaf=leaf,
            centre=centre,
            leaf_side=_side(leaf_row, centre_row),
            centre_side=_side(centre_row, leaf_row),
        )

    def _distance(self, trip: Trip) -> tuple[int, int]:
        """Order trips so that near ones lay the trunk that far ones join."""
        rows_apart = abs(self._places[trip.leaf].row - self._places[trip.centre].row)
        return rows_apart, abs(self._middle(trip.leaf) - self._middle(trip.centre))

    def _middle(self, element_id: str) -> int:
        return self._places.corner(element_id).middle

    # Ports: where lines leave boxes.

    def _make_ports(self) -> None:
        """Give every bundle a port on each box that it touches, in the order of where it goes."""
        wishes: dict[End, dict[str, list[int]]] = {}
        for trip in self._trips:
            leaf, centre = trip.ends
            wishes.setdefault(leaf, {}).setdefault(trip.bundle, []).append(self._middle(trip.centre))
            wishes.setdefault(centre, {}).setdefault(trip.bundle, []).append(self._middle(trip.leaf))
        lone = {end for end, bundles in wishes.items() if len(bundles) == 1 and len(next(iter(bundles.values()))) == 1}
        facing = {end: other for trip in self._trips for end, other in _ends_both_ways(trip) if {end, other} <= lone}
        for (element_id, side), bundles in wishes.items():
            from_left = sorted(bundles, key=lambda one: (sum(bundles[one]) / len(bundles[one]), one))
            for ordinal, bundle in enumerate(from_left):
                wished = self._wished(element_id, side, (ordinal + 1) / (len(from_left) + 1), facing)
                self._ports[element_id, bundle] = self._port(element_id, side, bundle, wished)

    def _wished(self, element_id: str, side: Side, share: float, facing: Mapping[End, End]) -> int:
        """Return where a line should leave: straight to its other end if each has only the other, else by its share."""
        corner = self._places.corner(element_id)
        other = facing.get((element_id, side))
        if other is not None:
            opposite = self._places.corner(other[0])
            left, right = max(corner.left, opposite.left), min(corner.right, opposite.right)
            if right - left > 2 * CLEARANCE:
                return (left + right) // 2
        # Inside another box, lines upwards keep right of that box's title.
        passes_title = side is Side.TOP and bool(self._places[element_id].path)
        return corner.left + int(corner.block.w * (0.6 + 0.4 * share if passes_title else share))

    def _port(self, element_id: str, side: Side, bundle: str, wished: int) -> tuple[Point, ...]:
        """Return the way from the element's edge to its block's edge, which no other bundle uses if there is room."""
        place, corner = self._places[element_id], self._places.corner(element_id)
        channel = self._channels[_channel_at(place.row, side)]
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

    def _escape(self, place: Place, side: Side, x: int) -> tuple[Point, ...]:
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

    # Ways through the rows.

    def _way(self, trip: Trip) -> list[tuple[int, int]]:
        """Return (channel, x) stops between the leaf's block and the centre's."""
        x, goal = self._ports[trip.leaf, trip.bundle][-1][0], self._ports[trip.centre, trip.bundle][-1][0]
        channel = _channel_at(self._places[trip.leaf].row, trip.leaf_side)
        last = _channel_at(self._places[trip.centre].row, trip.centre_side)
        step = 1 if channel < last else -1
        stops = [(channel, x)]
        while channel != last:
            x = self._pass(min(channel, channel + step), trip.bundle, x, goal)
            stops += [(channel, x), (channel + step, x)]
            channel += step
        return [*stops, (last, goal)]

    def _pass(self, row: int, bundle: str, x: int, goal: int) -> int:
        """Return where the bundle passes a row: between two blocks or beside them, near its goal."""
        if (row, bundle) in self._passes:
            return self._passes[row, bundle]
        above, below = self._channels[row], self._channels[row + 1]
        gaps = set(_gaps(self._rows[row], (x, goal)))
        nearest = sorted(gaps, key=lambda one: (abs(one - goal) + abs(one - x), abs(one - goal), one))
        free = (one for one in nearest if above.is_free(one, bundle) and below.is_free(one, bundle))
        chosen = next(free, nearest[0])
        above.stop(chosen, bundle)
        below.stop(chosen, bundle)
        self._passes[row, bundle] = chosen
        return chosen

    def _settle_heights(self) -> None:
        y = 0
        for channel, row in zip(self._channels, self._rows, strict=False):
            channel.y = y
            y += channel.height if channel.tracks or y else 0
            row.y = y
            y += row.height
        self._channels[-1].y = y

    def _points(self, trip: Trip) -> tuple[Point, ...]:
        """Return the trip's line on the page, from leaf to centre."""
        leaf_y, centre_y = (self._rows[self._places[end].row].y for end in (trip.leaf, trip.centre))
        start = [(x, y + leaf_y) for x, y in self._ports[trip.leaf, trip.bundle]]
        end = [(x, y + centre_y) for x, y in self._ports[trip.centre, trip.bundle]]
        stops = self._stops[trip.relation.id]
        middle = [(x, self._channels[channel].track_y(trip.bundle)) for channel, x in stops]
        return simplified([*start, *middle, *reversed(end)])


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


def _ends_both_ways(trip: Trip) -> tuple[tuple[End, End], tuple[End, End]]:
    return trip.ends, trip.ends[::-1]


def _are_neighbours(source: Place, target: Place) -> bool:
    return source.row == target.row and abs(source.index - target.index) == 1 and not (source.path or target.path)


def _side(own_row: int, other_row: int) -> Side:
    """Return the side that faces the other row; two of one row meet above it."""
    return Side.BOTTOM if own_row < other_row else Side.TOP


def _channel_at(row: int, side: Side) -> int:
    return row if side is Side.TOP else row + 1


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


def _gaps(row: Row, wishes: Iterable[int]) -> Iterator[int]:
    """Yield the places where a line may pass the row, the wished ones among them if no block is there."""
    for block, following in zip(row.blocks, row.blocks[1:], strict=False):
        yield from range(block.x + block.w + CLEARANCE, following.x - CLEARANCE + 1, CLEARANCE)
    first, last = row.blocks[0].x, row.blocks[-1].x + row.blocks[-1].w
    for ordinal in range(OUTER_TRACKS):
        yield first - SIDE - ordinal * CLEARANCE
        yield last + SIDE + ordinal * CLEARANCE
    for wish in wishes:
        if all(not block.x - CLEARANCE < wish < block.x + block.w + CLEARANCE for block in row.blocks):
            yield wish
