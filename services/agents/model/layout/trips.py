"""Relations that need a channel, each as a trip from one box to another, gathered into bundles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.agents.model.graph import Relation
from services.agents.model.layout.places import Places


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


def trips(relations: Sequence[Relation], places: Places) -> list[Trip]:
    """Return a trip for each relation; its bundle's centre is the end where more relations of its type meet."""
    outgoing = Counter((one.type, one.source_id) for one in relations)
    incoming = Counter((one.type, one.target_id) for one in relations)
    return [
        _trip(one, places, from_source=outgoing[one.type, one.source_id] > incoming[one.type, one.target_id])
        for one in relations
    ]


def channel_at(row: int, side: Side) -> int:
    """Return the channel beside that side of a row."""
    return row if side is Side.TOP else row + 1


def _trip(relation: Relation, places: Places, *, from_source: bool) -> Trip:
    ends = relation.source_id, relation.target_id
    centre, leaf = ends if from_source else ends[::-1]
    centre_row, leaf_row = places[centre].row, places[leaf].row
    return Trip(
        relation=relation,
        bundle=f"{relation.type} {'from' if from_source else 'to'} {centre} {_side(centre_row, leaf_row)}",
        leaf=leaf,
        centre=centre,
        leaf_side=_side(leaf_row, centre_row),
        centre_side=_side(centre_row, leaf_row),
    )


def _side(own_row: int, other_row: int) -> Side:
    """Return the side that faces the other row; two of one row meet above it."""
    return Side.BOTTOM if own_row < other_row else Side.TOP
