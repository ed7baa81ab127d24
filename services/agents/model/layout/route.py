"""Lines that go around boxes: straight up and down between them, sideways only in the channels between rows.

Relations of one kind that meet at one element share a trunk (a bundle), so that sixty requirements of a goal are a tree
and not a thicket. Everything sideways is settled first; heights follow, because a channel is as high as it has tracks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.agents.model.graph import Relation
from services.agents.model.layout.channels import CLEARANCE, Channel
from services.agents.model.layout.diagram import Point
from services.agents.model.layout.nearby import between_neighbours, inside_block
from services.agents.model.layout.places import Place, Places
from services.agents.model.layout.points import simplified
from services.agents.model.layout.ports import Ports
from services.agents.model.layout.rows import Row
from services.agents.model.layout.trips import Trip, channel_at, trips

SIDE = 16
OUTER_TRACKS = 24


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
        self._passes: dict[tuple[int, str], int] = {}
        self._near: dict[str, tuple[int, tuple[Point, ...]]] = {}
        self._stops: dict[str, list[tuple[int, int]]] = {}
        self._trips = self._sorted_out([one for one in relations if self._is_drawable(one)])
        self._ports = Ports(self._trips, self._places, self._channels)
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
        return trips(far, self._places)

    def _distance(self, trip: Trip) -> tuple[int, int]:
        """Order trips so that near ones lay the trunk that far ones join."""
        rows_apart = abs(self._places[trip.leaf].row - self._places[trip.centre].row)
        return rows_apart, abs(self._middle(trip.leaf) - self._middle(trip.centre))

    def _middle(self, element_id: str) -> int:
        return self._places.corner(element_id).middle

    # Ways through the rows.

    def _way(self, trip: Trip) -> list[tuple[int, int]]:
        """Return (channel, x) stops between the leaf's block and the centre's."""
        x, goal = self._ports.x(trip.leaf, trip.bundle), self._ports.x(trip.centre, trip.bundle)
        channel = channel_at(self._places[trip.leaf].row, trip.leaf_side)
        last = channel_at(self._places[trip.centre].row, trip.centre_side)
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
        start = [(x, y + leaf_y) for x, y in self._ports.way(trip.leaf, trip.bundle)]
        end = [(x, y + centre_y) for x, y in self._ports.way(trip.centre, trip.bundle)]
        stops = self._stops[trip.relation.id]
        middle = [(x, self._channels[channel].track_y(trip.bundle)) for channel, x in stops]
        return simplified([*start, *middle, *reversed(end)])


def _are_neighbours(source: Place, target: Place) -> bool:
    return source.row == target.row and abs(source.index - target.index) == 1 and not (source.path or target.path)


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
