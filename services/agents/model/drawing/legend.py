"""The line below a diagram that says what its lines mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.agents.model.drawing.lines import head
from services.agents.model.drawing.palette import STROKES, Head
from services.agents.model.elements import RelationType
from services.agents.model.text import advance

SAMPLE = 34
SIZE = 10
ROW = 20
GAP = 18
TOP = 14


def draw_legend(types: Iterable[RelationType], width: int, top: int) -> tuple[list[str], int]:
    """Return the SVG of the legend and its height."""
    entries = sorted(set(types))
    if not entries:
        return [], 0
    drawn: list[str] = []
    x, y = 20, top + TOP
    for entry in entries:
        wide = SAMPLE + 6 + int(advance(entry.value, SIZE)) + GAP
        if x + wide > width and x > 20:
            x, y = 20, y + ROW
        drawn.extend(_entry(entry, x, y))
        x += wide
    return drawn, y + ROW // 2 - top


def _entry(entry: RelationType, x: int, y: int) -> Iterator[str]:
    stroke = STROKES[entry]
    dashes = f' stroke-dasharray="{stroke.dashes}"' if stroke.dashes else ""
    yield f'<path d="M{x} {y}H{x + SAMPLE}"{dashes}/>'
    for form, before, tip in (
        (stroke.at_source, (x + SAMPLE, y), (x, y)),
        (stroke.at_target, (x, y), (x + SAMPLE, y)),
    ):
        if form is not Head.NONE:
            yield head(form, before, tip)
    place = f'x="{x + SAMPLE + 6}" y="{y + 3}"'
    yield f'<text {place} font-size="{SIZE}" fill="currentColor" stroke="none">{entry.value}</text>'
