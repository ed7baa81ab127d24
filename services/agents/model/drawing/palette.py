"""Colours of the layers and strokes of the relations. Boxes are light also on dark pages: their text is dark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.agents.model.elements import ElementType, Layer, RelationType


@dataclass(frozen=True, slots=True)
class Colours:
    """Of a box: its ground and its edge."""

    fill: str
    edge: str


INK = "#1f2430"
LINE = "#59616f"

LAYER_COLOURS: Mapping[Layer, Colours] = {
    Layer.MOTIVATION: Colours("#e3e0fb", "#8378cf"),
    Layer.STRATEGY: Colours("#f9e4bd", "#c1913a"),
    Layer.BUSINESS: Colours("#fff5b8", "#bfa52a"),
    Layer.APPLICATION: Colours("#c4eef6", "#3a98ad"),
    Layer.TECHNOLOGY: Colours("#d3ecc6", "#67a24a"),
    Layer.PHYSICAL: Colours("#d3ecc6", "#67a24a"),
    Layer.IMPLEMENTATION: Colours("#fbdcdb", "#c96f6a"),
    Layer.COMPOSITE: Colours("#eceef1", "#8b93a1"),
}
_PLATEAU = Colours("#d9f2e3", "#58a37c")
_TYPE_COLOURS: Mapping[ElementType, Colours] = {ElementType.PLATEAU: _PLATEAU, ElementType.GAP: _PLATEAU}


class Head(StrEnum):
    """The form at an end of a line."""

    NONE = "none"
    OPEN = "open"
    FILLED = "filled"
    TRIANGLE = "triangle"
    DIAMOND = "diamond"
    DIAMOND_FILLED = "diamond filled"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a relation is drawn."""

    dashes: str = ""
    at_source: Head = Head.NONE
    at_target: Head = Head.NONE


STROKES: Mapping[RelationType, Stroke] = {
    RelationType.COMPOSITION: Stroke(at_source=Head.DIAMOND_FILLED),
    RelationType.AGGREGATION: Stroke(at_source=Head.DIAMOND),
    RelationType.ASSIGNMENT: Stroke(at_source=Head.DOT, at_target=Head.FILLED),
    RelationType.REALIZATION: Stroke(dashes="5 3", at_target=Head.TRIANGLE),
    RelationType.SERVING: Stroke(at_target=Head.OPEN),
    RelationType.ACCESS: Stroke(dashes="1.5 3", at_target=Head.OPEN),
    RelationType.INFLUENCE: Stroke(dashes="6 4", at_target=Head.OPEN),
    RelationType.TRIGGERING: Stroke(at_target=Head.FILLED),
    RelationType.FLOW: Stroke(dashes="6 4", at_target=Head.FILLED),
    RelationType.SPECIALIZATION: Stroke(at_target=Head.TRIANGLE),
    RelationType.ASSOCIATION: Stroke(),
}


def colours(element_type: ElementType) -> Colours:
    """Return the colours of an element's box."""
    return _TYPE_COLOURS.get(element_type, LAYER_COLOURS[element_type.layer])
