"""What was found while reading one text: where its fields stand, and what is wrong with them."""

from __future__ import annotations

from archwright.errors import Violation

from .model import Place
from .refusal import VIOLATIONS_MAX
from .tree import Leaf, Mapping, Node, Sequence


class Findings:
    """The places and problems of one text so far."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.places: dict[str, Place] = {}

    @property
    def is_full(self) -> bool:
        """Whether no more problems are noted."""
        return len(self.violations) >= VIOLATIONS_MAX

    def object_to(self, path: str, place: Place, description: str) -> None:
        """Note a problem."""
        if not self.is_full:
            self.violations.append(Violation(path, description, place.line, place.column))

    def remember(self, path: str, node: Node) -> None:
        """Note where a value stands, and every part of it."""
        self.places[path] = node.place
        match node:
            case Mapping(entries=entries):
                for key, entry in entries.items():
                    self.remember(f"{path}.{key}", entry.node)
            case Sequence(elements=elements):
                for index, element in enumerate(elements):
                    self.remember(f"{path}[{index}]", element)
            case Leaf():
                pass
