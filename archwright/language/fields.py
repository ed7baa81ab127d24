"""The fields of a mapping, read one by one with a word for everything that is wrong.

Reading goes on after a problem, with the default in place of what was wrong, so that an author sees all problems
of a text at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from archwright.errors import Violation

from . import tree
from .model import Json, Place, Schema
from .refusal import VIOLATIONS_MAX
from .tree import Leaf, Mapping, Node, Sequence
from .vocabulary import Words, did_you_mean, objection

Choice = TypeVar("Choice", bound=StrEnum)
Part = TypeVar("Part")

_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must look like: as a pattern, in words, and by an example."""

    pattern: re.Pattern[str]
    words: str
    example: str


class Findings:
    """What was found while reading one text: where its fields stand, and what is wrong with them."""

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


class Fields:
    """The fields of the mapping at `path`, each read under its own name.

    Fields that `words` does not know are objected to at once.
    """

    def __init__(self, node: Mapping, path: str, words: Words, findings: Findings) -> None:
        self.place = node.place
        self.path = path
        self._words = words
        self._findings = findings
        self._nodes: dict[str, Node] = {}
        self._misspelt = False
        if path:
            findings.places[path] = node.place
        for key, entry in node.entries.items():
            name = words.aliases.get(key, key)
            if findings.is_full:
                break
            if name not in words.known:
                findings.object_to(self._at(key), entry.key_place, objection(key, words))
                self._misspelt = True
            elif name in self._nodes:
                findings.object_to(self._at(key), entry.key_place, f"{key!r} and {name!r} are the same field")
            else:
                self._nodes[name] = entry.node
                findings.places[self._at(name)] = entry.node.place

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def object_to(self, name: str, description: str) -> None:
        """Note a problem with a field, or with the mapping when it has no such field."""
        node = self._nodes.get(name)
        place = node.place if node is not None else self.place
        self._findings.object_to(self._at(name), place, description)

    def text(self, name: str, default: str = "", *, form: Form | None = None, longest: int = 1000) -> str:
        """Read text of the given form."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Leaf) or not isinstance(node.value, str):
            written = f" {node.value}" if isinstance(node, Leaf) and node.value is not None else ""
            example = f", such as {form.example!r}" if form else ""
            self.object_to(name, f"must be text in quotes{example}, but is {tree.kind(node)}{written}")
            return default
        if len(node.value) > longest:
            self.object_to(name, f"has {len(node.value):,} characters; at most {longest:,} are allowed")
            return default
        if form is not None and not form.pattern.fullmatch(node.value):
            self.object_to(name, f"must be {form.words}, such as {form.example!r}, not {node.value[:_SHOWN_MAX]!r}")
            return default
        return node.value

    def required_text(self, name: str, *, form: Form) -> str:
        """Read text that must be there."""
        self.require(name, f"{self._words.owner} needs `{name}`, such as {form.example!r}")
        return self.text(name, form=form)

    def require(self, name: str, description: str) -> None:
        """Object to the absence of a field, unless a word that is not known may be that very field misspelt."""
        if name not in self._nodes and not self._misspelt:
            self.object_to(name, description)

    def whole_number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Read an integer within bounds."""
        value = self.number(name, default, least=least, most=most)
        if isinstance(value, int):
            return value
        self.object_to(name, f"must be a whole number, but is {value}")
        return default

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Read a number within bounds; integers stay integers."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Leaf) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.object_to(name, f"must be a number, but is {tree.kind(node)}")
            return default
        if not least <= node.value <= most:
            self.object_to(name, f"must be from {least:,} to {most:,}, but is {node.value:,}")
            return default
        return node.value

    def truth(self, name: str, default: bool) -> bool:
        """Read true or false."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Leaf) or not isinstance(node.value, bool):
            self.object_to(name, f"must be true or false, but is {tree.kind(node)}")
            return default
        return node.value

    def choice(self, name: str, default: Choice) -> Choice:
        """Read one of the words of `default`'s kind, in whichever case it is written."""
        node = self._nodes.get(name)
        return default if node is None else self._chosen(self._at(name), node, type(default)) or default

    def choices(self, name: str, default: frozenset[Choice], among: type[Choice]) -> frozenset[Choice]:
        """Read a list of words of one kind."""
        if name not in self._nodes:
            return default
        chosen = [self._chosen(path, node, among) for path, node in self.elements(name)]
        return frozenset(word for word in chosen if word is not None)

    def texts(self, name: str) -> dict[str, str]:
        """Read a mapping from words to text."""
        node = self._nodes.get(name)
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            self.object_to(name, f"must be a mapping from words to text, but is {tree.kind(node)}")
            return {}
        found: dict[str, str] = {}
        for key, entry in node.entries.items():
            if isinstance(entry.node, Leaf) and isinstance(entry.node.value, str):
                found[key] = entry.node.value
            else:
                path = f"{self._at(name)}.{key}"
                description = f"must be text, but is {tree.kind(entry.node)}; write it in quotes"
                self._findings.object_to(path, entry.node.place, description)
        return found

    def json(self, name: str) -> Json:
        """Read any value, remembering where each part of it stands."""
        node = self._nodes.get(name)
        if node is None:
            return None
        self._remember(self._at(name), node)
        return tree.plain(node)

    def schema(self, name: str) -> Schema | None:
        """Read a JSON Schema; whether it is a good one is for the check to say."""
        node = self._nodes.get(name)
        if node is None:
            return None
        if isinstance(node, Mapping) or (isinstance(node, Leaf) and isinstance(node.value, bool)):
            schema: Schema = self.json(name)
            return schema
        self.object_to(name, f"must be a JSON Schema, which is a mapping, but is {tree.kind(node)}")
        return None

    def elements(self, name: str) -> list[tuple[str, Node]]:
        """Read a list; each element comes with its path."""
        node = self._nodes.get(name)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.object_to(name, f"must be a list, but is {tree.kind(node)}")
            return []
        return [(f"{self._at(name)}[{index}]", element) for index, element in enumerate(node.elements)]

    def mappings(self, name: str, read: Callable[[Mapping, str], Part]) -> list[Part]:
        """Read a list of mappings, each by `read`, which is given the mapping and its path."""
        parts: list[Part] = []
        for path, node in self.elements(name):
            if isinstance(node, Mapping):
                parts.append(read(node, path))
            else:
                self._findings.object_to(path, node.place, f"must be a mapping, but is {tree.kind(node)}")
        return parts

    def mapping(self, name: str, default: Part, read: Callable[[Mapping, str], Part]) -> Part:
        """Read a mapping by `read`, which is given the mapping and its path."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Mapping):
            self.object_to(name, f"must be a mapping, but is {tree.kind(node)}")
            return default
        return read(node, self._at(name))

    def _chosen(self, path: str, node: Node, among: type[Choice]) -> Choice | None:
        words = [str(word) for word in among]
        if not isinstance(node, Leaf) or not isinstance(node.value, str):
            self._findings.object_to(path, node.place, f"must be one of {', '.join(words)}, but is {tree.kind(node)}")
            return None
        word = node.value.lower()
        if word in words:
            return among(word)
        if self._findings.is_full:
            return None
        hint = did_you_mean(word, words) or f"; there are: {', '.join(words)}"
        self._findings.object_to(path, node.place, f"there is no {node.value[:_SHOWN_MAX]!r} here{hint}")
        return None

    def _remember(self, path: str, node: Node) -> None:
        self._findings.places[path] = node.place
        match node:
            case Mapping(entries=entries):
                for key, entry in entries.items():
                    self._remember(f"{path}.{key}", entry.node)
            case Sequence(elements=elements):
                for index, element in enumerate(elements):
                    self._remember(f"{path}[{index}]", element)
            case Leaf():
                pass

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
