"""Where every element stands once rows are placed; heights are relative to the row until channels are settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.agents.model.layout.blocks import Block
from services.agents.model.layout.rows import Row


@dataclass(frozen=True, slots=True)
class Place:
    """An element's row, its block there, and the cells that lead from that block down to it."""

    row: int
    index: int
    path: tuple[int, ...]

    def shares_block(self, other: Place) -> bool:
        """Return whether both stand in one block of the top level."""
        return (self.row, self.index) == (other.row, other.index)

    def is_nested_with(self, other: Place) -> bool:
        """Return whether one of the two stands inside the other, or is the other."""
        depth = min(len(self.path), len(other.path))
        return self.shares_block(other) and self.path[:depth] == other.path[:depth]


@dataclass(frozen=True, slots=True)
class Corner:
    """A block with its left edge on the page and its top within the row."""

    block: Block
    left: int
    top: int

    @property
    def right(self) -> int:
        """The right edge."""
        return self.left + self.block.w

    @property
    def bottom(self) -> int:
        """The bottom edge within the row."""
        return self.top + self.block.h

    @property
    def middle(self) -> int:
        """The middle between left and right."""
        return self.left + self.block.w // 2


class Places:
    """Finds elements in the rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._of = dict(_walk_rows(rows))

    def __contains__(self, element_id: str) -> bool:
        return element_id in self._of

    def __getitem__(self, element_id: str) -> Place:
        return self._of[element_id]

    def chain(self, place: Place) -> list[Corner]:
        """Return the blocks from the top level down to the element."""
        block = self._rows[place.row].blocks[place.index]
        chain = [Corner(block, block.x, 0)]
        for step in place.path:
            cell = chain[-1].block.cells[step]
            chain.append(Corner(cell.block, chain[-1].left + cell.dx, chain[-1].top + cell.dy))
        return chain

    def corner(self, element_id: str) -> Corner:
        """Return where the element's own box is."""
        return self.chain(self._of[element_id])[-1]


def _walk_rows(rows: Sequence[Row]) -> Iterator[tuple[str, Place]]:
    for row_index, row in enumerate(rows):
        for index, block in enumerate(row.blocks):
            yield from _walk_block(block, Place(row_index, index, ()))


def _walk_block(block: Block, place: Place) -> Iterator[tuple[str, Place]]:
    yield block.element_id, place
    for step, cell in enumerate(block.cells):
        yield from _walk_block(cell.block, Place(place.row, place.index, (*place.path, step)))
