"""Lines that need no channel: between neighbours in a row, and between two elements of one block."""

from __future__ import annotations

from services.agents.model.layout.blocks import GUTTER_X, GUTTER_Y
from services.agents.model.layout.diagram import Point
from services.agents.model.layout.places import Corner, Place

SPREAD = 9


def between_neighbours(source: Corner, target: Corner, ordinal: int) -> tuple[Point, ...]:
    """Return a level line between two blocks side by side; further ones of the same pair lie above and below it."""
    reach = min(source.block.header or source.block.h, target.block.header or target.block.h)
    y = reach // 2 + (-1) ** ordinal * SPREAD * ((ordinal + 1) // 2)
    return _level(source, target, max(4, min(y, reach - 4)))


def inside_block(source: Corner, target: Corner, source_place: Place, target_place: Place) -> tuple[Point, ...]:
    """Return a line between two elements of one block, through the gutters between its cells."""
    overlap = source.top < target.bottom and target.top < source.bottom
    if not overlap:
        return _through_gutter(source, target)
    siblings = source_place.path[:-1] == target_place.path[:-1]
    if siblings and abs(source_place.path[-1] - target_place.path[-1]) == 1:
        return _level(source, target, max(source.top, target.top) + min(source.block.h, target.block.h) // 2)
    above = min(source.top, target.top) - GUTTER_Y // 2
    return (source.middle, source.top), (source.middle, above), (target.middle, above), (target.middle, target.top)


def _level(source: Corner, target: Corner, y: int) -> tuple[Point, ...]:
    if source.left < target.left:
        return (source.right, y), (target.left, y)
    return (source.left, y), (target.right, y)


def _through_gutter(source: Corner, target: Corner) -> tuple[Point, ...]:
    """Return a line that leaves towards the target's row and comes up or down beside the target's column."""
    is_down = target.top >= source.bottom
    leave, step, enter = (
        (source.bottom, GUTTER_Y // 2, target.top) if is_down else (source.top, -GUTTER_Y // 2, target.bottom)
    )
    beside = target.left - GUTTER_X // 2
    return (
        (source.middle, leave),
        (source.middle, leave + step),
        (beside, leave + step),
        (beside, enter - step),
        (target.middle, enter - step),
        (target.middle, enter),
    )
