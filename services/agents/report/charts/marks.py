"""What every chart is made of: text that is safe, and axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from services.agents.model.text import xml_text

SERIES_COLOURS = 8
SMALLEST = 1e-9
"""What is less counts as nothing."""


def text(x: float, y: float, words: str, *, anchor: str = "start", size: float = 11, style: str = "") -> str:
    """Return a text element."""
    kind = f' class="{style}"' if style else ""
    place = f'x="{figure(x)}" y="{figure(y)}"'
    return f'<text {place} text-anchor="{anchor}" font-size="{figure(size)}"{kind}>{escape(xml_text(words))}</text>'


def bar(x: float, y: float, w: float, h: float, *, fill: str, hint: str = "", radius: float = 2) -> str:
    """Return a rectangle that tells `hint` when one points at it."""
    title = f"<title>{escape(xml_text(hint))}</title>" if hint else ""
    size = f'x="{figure(x)}" y="{figure(y)}" width="{figure(max(w, 0.5))}" height="{figure(max(h, 0.5))}"'
    return f'<rect {size} rx="{figure(radius)}" fill="{fill}">{title}</rect>'


def rule(x1: float, y1: float, x2: float, y2: float, *, colour: str = "var(--grid)", dashes: str = "") -> str:
    """Return a thin line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{figure(x1)}" y1="{figure(y1)}" x2="{figure(x2)}" y2="{figure(y2)}"'
    return f'<line {ends} stroke="{colour}"{dashed}/>'


def picture(parts: Iterable[str], width: float, height: float, label: str) -> str:
    """Return the chart that holds `parts`."""
    size = f'viewBox="0 0 {figure(width)} {figure(height)}" width="{figure(width)}" height="{figure(height)}"'
    about = f'role="img" aria-label="{escape(xml_text(label))}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} {about}>{"".join(parts)}</svg>'


def colour(ordinal: int) -> str:
    """Return the colour of a series."""
    return f"var(--c{ordinal % SERIES_COLOURS + 1})"


def step(largest: float, wanted: int = 5) -> float:
    """Return a round distance (1, 2 or 5 times a power of ten) that makes about `wanted` ticks up to `largest`."""
    if not SMALLEST < largest < math.inf:
        return 1.0
    rough = largest / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def ticks(largest: float, wanted: int = 5) -> tuple[float, ...]:
    """Return round numbers from 0 to the first that is not below `largest`."""
    distance = step(largest, wanted)
    count = max(1, math.ceil(largest / distance - 1e-9)) if math.isfinite(largest) else 1
    return tuple(distance * ordinal for ordinal in range(count + 1))


def figure(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"
