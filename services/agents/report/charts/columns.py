"""Columns that stand side by side along time, stacked by series, with an optional line for what there is at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.agents.model.text import advance
from services.agents.report.charts.marks import bar, colour, picture, rule, text, ticks

WIDTH = 760
HEIGHT = 220
LEFT = 64
RIGHT = 10
LABELS_MAX = 26


@dataclass(frozen=True, slots=True)
class Column:
    """A time and its values, one for each series; `limit` is drawn as a line."""

    label: str
    values: tuple[float, ...]
    limit: float = 0.0


def standing_columns(
    columns: Sequence[Column], series: Sequence[str], show: Callable[[float], str], label: str, unit: str = ""
) -> str:
    """Return the chart; `show` writes a value."""
    largest = max((max(sum(column.values), column.limit) for column in columns), default=0.0)
    marks = ticks(largest, 4)
    legend = _legend(series)
    top = 28 if legend else 10
    bottom = top + HEIGHT
    scale = HEIGHT / (marks[-1] or 1)
    slot = (WIDTH - LEFT - RIGHT) / max(len(columns), 1)
    wide = min(slot * 0.72, 64)
    parts = list(legend)
    for mark in marks:
        y = bottom - mark * scale
        parts += [
            rule(LEFT, y, WIDTH - RIGHT, y),
            text(LEFT - 6, y + 3.5, show(mark), anchor="end", size=9.5, style="faint"),
        ]
    every = -(-len(columns) // LABELS_MAX)
    for ordinal, column in enumerate(columns):
        x = LEFT + slot * ordinal + (slot - wide) / 2
        y = float(bottom)
        for index, value in enumerate(column.values):
            if value > 0:
                y -= value * scale
                hint = f"{column.label}, {series[index]}: {show(value)}{unit}"
                parts.append(bar(x, y, wide, value * scale, fill=colour(index), hint=hint, radius=1))
        if column.limit > 0:
            level = bottom - column.limit * scale
            parts.append(rule(LEFT + slot * ordinal, level, LEFT + slot * (ordinal + 1), level, colour="var(--bad)"))
        if ordinal % every == 0:
            parts.append(text(x + wide / 2, bottom + 15, column.label, anchor="middle", size=9.5, style="faint"))
        if len(columns) <= 8:
            parts.append(
                text(x + wide / 2, y - 5, show(sum(column.values)), anchor="middle", size=10.5, style="strong")
            )
    return picture(parts, WIDTH, bottom + 24, label)


def _legend(series: Sequence[str]) -> list[str]:
    parts: list[str] = []
    x = float(LEFT)
    for index, name in enumerate(series):
        if len(series) > 1:
            parts += [bar(x, 2, 12, 12, fill=colour(index)), text(x + 17, 12, name, size=10.5)]
            x += 24 + advance(name, 10.5) + 14
    return parts
