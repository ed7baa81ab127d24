"""Which relation is permitted between which concepts.

The table decides and nothing else: rules by aspect or layer alone let most illegal combinations through.
It states the standard's matrix, derived relations included; it derives none itself.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from services.agents.model.elements import JUNCTIONS, ElementType, RelationType

RELATIONSHIP = "Relationship"
"""The table's name for a relation that is itself an end of a relation."""

Concept = ElementType | RelationType
"""What a relation may start from or lead to."""


def is_permitted(relation: RelationType, source: Concept, target: Concept) -> bool:
    """Return whether the standard permits `relation` from `source` to `target`."""
    return relation in permitted(source, target)


def permitted(source: Concept, target: Concept) -> frozenset[RelationType]:
    """Return every relation that the standard permits from `source` to `target`."""
    return _table().get((_row_name(source), _row_name(target)), frozenset())


def _row_name(concept: Concept) -> str:
    if isinstance(concept, RelationType):
        return RELATIONSHIP
    return "Junction" if concept in JUNCTIONS else concept.value


@cache
def _table() -> dict[tuple[str, str], frozenset[RelationType]]:
    packed = json.loads(files(__package__).joinpath("relationships.json").read_text(encoding="utf-8"))
    letters = {letter: RelationType(name) for letter, name in packed["letters"].items()}
    cells = {key: frozenset(letters[one] for one in value) for key, value in packed["cells"].items()}
    concepts = packed["concepts"]
    return {
        (source, target): cells[key]
        for source, row in packed["rows"].items()
        for target, key in zip(concepts, row, strict=True)
    }
