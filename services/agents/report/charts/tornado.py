"""How much each driver moves the result to either side, widest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.agents.model.text import shorten
from services.agents.report.charts.marks import bar, picture, rule, text

WIDTH = 760
LABEL = 230
SIDE = 90
ROW = 28


@dataclass(frozen=True, slots=True)
class Swing:
    """A driver and the result at its low and its high value."""

    label: str
    at_low: float
    at_high: float


def tornado(swings: Sequence[Swing], centre: float, show: Callable[[float], str], label: str) -> str:
    """Return the chart around `centre`, the result as estimated."""
    ordered = sorted(swings, key=lambda one: (-abs(one.at_high - one.at_low), one.label))
    reach = max([1.0, *(abs(value - centre) for one in swings for value in (one.at_low, one.at_high))])
    middle = LABEL + SIDE + (WIDTH - LABEL - 2 * SIDE) / 2
    scale = (WIDTH - LABEL - 2 * SIDE) / 2 / reach
    bottom = 24 + ROW * len(ordered)
    parts = [text(middle, 12, show(centre), anchor="middle", size=10.5, style="strong")]
    for ordinal, swing in enumerate(ordered):
        y = 24 + ROW * ordinal
        parts.append(text(LABEL - 8, y + 15, shorten(swing.label, LABEL - 16, 11), anchor="end"))
        for value, fill in ((swing.at_low, "var(--c3)"), (swing.at_high, "var(--c2)")):
            x = middle + (value - centre) * scale
            parts.append(
                bar(min(x, middle), y + 4, abs(x - middle), 16, fill=fill, hint=f"{swing.label}: {show(value)}")
            )
            anchor = "end" if value < centre else "start"
            parts.append(
                text(x + (-5 if value < centre else 5), y + 16, show(value), anchor=anchor, size=9.5, style="faint")
            )
    parts.append(rule(middle, 18, middle, bottom, colour="var(--ink)"))
    return picture(parts, WIDTH, bottom + 6, label)
