"""A view with coordinates: whole pixels from the top left corner, none of them negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """An element's place. Coordinates are the page's, also inside other boxes."""

    element_id: str
    x: int
    y: int
    w: int
    h: int
    children: tuple[Box, ...] = ()

    def walk(self) -> Iterator[Box]:
        """Yield this box and every box inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Wire:
    """A relation's line, from its source to its target. Wires of one `bundle` share parts of their way."""

    relation_id: str
    points: tuple[Point, ...]
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """A view as it is drawn."""

    id: str
    name: str
    viewpoint: str
    documentation: str
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    width: int
    height: int

    def walk(self) -> Iterator[Box]:
        """Yield every box, parents before their children."""
        for box in self.boxes:
            yield from box.walk()
