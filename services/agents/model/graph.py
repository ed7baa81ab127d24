"""One architecture as a graph: elements and typed relations.

A `Model` is a value. Whoever makes one guarantees what everything after relies on: ids are unique over elements and
relations and are XML names, both ends of every relation exist, and every relation is permitted. `merge` is that gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.agents.model.elements import AccessType, ElementType, Layer, RelationType

Properties = tuple[tuple[str, str], ...]
"""Names and values, ordered by name."""


class Severity(StrEnum):
    """How much a problem matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a model that a person should know; the model was built all the same."""

    severity: Severity
    code: str
    message: str
    subject_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """A thing in the architecture."""

    id: str
    type: ElementType
    name: str
    documentation: str = ""
    properties: Properties = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed connection from `source_id` to `target_id`, which name elements or other relations."""

    id: str
    type: RelationType
    source_id: str
    target_id: str
    name: str = ""
    documentation: str = ""
    properties: Properties = ()
    access: AccessType | None = None
    strength: str = ""
    directed: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """An architecture: its elements and relations by id, in the order in which they were made."""

    name: str
    elements: Mapping[str, Element] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    documentation: str = ""
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    def of_type(self, *types: ElementType) -> Iterator[Element]:
        """Yield the elements of these types, in order."""
        return (element for element in self.elements.values() if element.type in types)

    def in_layer(self, layer: Layer) -> Iterator[Element]:
        """Yield the elements of a layer, in order."""
        return (element for element in self.elements.values() if element.type.layer is layer)

    def concept(self, concept_id: str) -> ElementType | RelationType | None:
        """Return the type of the element or relation with this id, if there is one."""
        if concept_id in self.elements:
            return self.elements[concept_id].type
        if concept_id in self.relations:
            return self.relations[concept_id].type
        return None
