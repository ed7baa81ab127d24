"""Bars that lie: one for each name, longest first or as given, in one colour or stacked by series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.agents.model.text import advance, shorten
from services.agents.report.charts.marks import bar, colour, picture, rule, text, ticks

WIDTH = 760
ROW = 26
BAR = 16
LABEL = 230
TAIL = 70
TOP = 6


@dataclass(frozen=True, slots=True)
class Row:
    """A name and its values, one for each series."""

    label: str
    values: tuple[float, ...]

    @property
    def total(self) -> float:
        """The whole bar."""
        return sum(self.values)


def lying_bars(rows: Sequence[Row], series: Sequence[str], show: Callable[[float], str], label: str) -> str:
    """Return the chart; `show` writes a value."""
    largest = max((row.total for row in rows), default=0.0)
    marks = ticks(largest)
    scale = (WIDTH - LABEL - TAIL) / (marks[-1] or 1)
    legend, legend_height = _legend(series) if len(series) > 1 else ([], 0)
    top = TOP + legend_height
    bottom = top + ROW * len(rows)
    parts = list(legend)
    for mark in marks:
        x = LABEL + mark * scale
        parts += [rule(x, top, x, bottom), text(x, bottom + 14, show(mark), anchor="middle", size=9.5, style="faint")]
    for ordinal, row in enumerate(rows):
        y = top + ROW * ordinal
        parts.append(text(LABEL - 8, y + 17, shorten(row.label, LABEL - 16, 11), anchor="end"))
        x = float(LABEL)
        for index, value in enumerate(row.values):
            hint = f"{row.label}: {series[index]} {show(value)}" if len(series) > 1 else f"{row.label}: {show(value)}"
            if value > 0:
                parts.append(bar(x, y + 5, value * scale, BAR, fill=colour(index), hint=hint))
            x += value * scale
        parts.append(text(x + 6, y + 17, show(row.total), size=10.5, style="strong"))
    return picture(parts, WIDTH, bottom + 22, label)


def _legend(series: Sequence[str]) -> tuple[list[str], int]:
    parts: list[str] = []
    x, y = float(LABEL), 4.0
    for index, name in enumerate(series):
        wide = 24 + advance(name, 10.5) + 14
        if x + wide > WIDTH and x > LABEL:
            x, y = float(LABEL), y + 18
        parts += [bar(x, y, 12, 12, fill=colour(index)), text(x + 17, y + 10, name, size=10.5)]
        x += wide
    return parts, int(y) + 22
