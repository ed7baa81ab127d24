"""Rows of blocks: as few as fit the page, each about as wide as the others, centred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.agents.model.layout.blocks import Block

PAGE_WIDTH = 1180
GAP = 34


@dataclass(slots=True)
class Row:
    """Blocks side by side, tops aligned."""

    blocks: list[Block]
    y: int = 0

    @property
    def width(self) -> int:
        """From the first block's left edge to the last one's right edge."""
        return sum(block.w for block in self.blocks) + GAP * (len(self.blocks) - 1)

    @property
    def height(self) -> int:
        """The tallest block's."""
        return max(block.h for block in self.blocks)


def place(tiers: Sequence[Sequence[Block]]) -> list[Row]:
    """Return the rows, from the top down, with every block's x set."""
    rows = [Row(blocks) for tier in tiers for blocks in _broken(tier)]
    page = max((row.width for row in rows), default=0)
    for row in rows:
        x = (page - row.width) // 2
        for block in row.blocks:
            block.x = x
            x += block.w + GAP
    return rows


def _broken(tier: Sequence[Block]) -> list[list[Block]]:
    """Return the tier in as few rows as the page's width allows, evenly filled."""
    wanted = len(_filled(tier, PAGE_WIDTH))
    widest = max(block.w for block in tier)
    total = sum(block.w + GAP for block in tier)
    limit = max(widest, total // wanted)
    while len(_filled(tier, limit)) > wanted:
        limit += 10
    return _filled(tier, limit)


def _filled(tier: Sequence[Block], limit: int) -> list[list[Block]]:
    rows: list[list[Block]] = []
    width = 0
    for block in tier:
        if not rows or width + GAP + block.w > limit:
            rows.append([block])
            width = block.w
        else:
            rows[-1].append(block)
            width += GAP + block.w
    return rows
