"""Boxes before they have a place: how big each must be, given what stands inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.agents.model.text import advance, wrap

LEAF_WIDTH = 152
LEAF_HEIGHT = 64
PADDING = 14
GUTTER_X = 18
GUTTER_Y = 20
TITLE_SIZE = 12
TITLE_LINE = 16
ICON_WIDTH = 26


@dataclass(slots=True)
class Block:
    """A box with its size, and its children with their places relative to its own corner."""

    element_id: str
    w: int = LEAF_WIDTH
    h: int = LEAF_HEIGHT
    header: int = 0
    title_width: int = 0
    cells: list[Cell] = field(default_factory=list)
    x: int = 0
    """Only for blocks of the top level, once rows are placed."""


@dataclass(slots=True)
class Cell:
    """A child in its parent's grid."""

    block: Block
    row: int
    column: int
    dx: int
    dy: int


def build(
    element_id: str,
    names: Mapping[str, str],
    children: Mapping[str, Sequence[str]],
    grid_columns: Callable[[int], int],
) -> Block:
    """Return the block of an element with everything that stands inside it, in a grid."""
    inside = [build(child, names, children, grid_columns) for child in children.get(element_id, ())]
    if not inside:
        return Block(element_id)
    columns = grid_columns(len(inside))
    grid = [inside[start : start + columns] for start in range(0, len(inside), columns)]
    widths = [max(row[column].w for row in grid if column < len(row)) for column in range(columns)]
    width = 2 * PADDING + sum(widths) + GUTTER_X * (columns - 1)
    lines = wrap(names[element_id], width - 2 * PADDING - ICON_WIDTH, TITLE_SIZE, 2)
    header = PADDING + TITLE_LINE * max(len(lines), 1)
    title_width = max((int(advance(line, TITLE_SIZE)) for line in lines), default=0)
    block = Block(element_id, w=width, header=header, title_width=title_width)
    y = header + 10
    for row_index, row in enumerate(grid):
        x = PADDING
        for column, child in enumerate(row):
            block.cells.append(Cell(child, row_index, column, x, y))
            x += widths[column] + GUTTER_X
        y += max(child.h for child in row) + GUTTER_Y
    block.h = y - GUTTER_Y + PADDING
    return block


def square(count: int, columns_max: int) -> int:
    """Return how many columns show `count` children in a form that is about as wide as it is high."""
    columns = 1
    while columns * columns < count:
        columns += 1
    return min(columns, columns_max)
