"""The fields of a mapping, read one by one with a word for everything that is wrong.

Reading goes on after a problem, with the default in place of what was wrong, so that an author sees all problems
of a text at once. Bounds and forms are those of the words that the mapping was opened with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from . import leaves, tree
from .findings import Findings
from .model import Json, Schema
from .shapes import (
    AnyOf,
    Choice,
    ChoiceByChoice,
    Choices,
    Expression,
    Form,
    NestedList,
    Number,
    Text,
    TextList,
    Texts,
    Values,
    WholeNumber,
    Words,
)
from .tree import Leaf, Node, Sequence
from .vocabulary import objection

Word = TypeVar("Word", bound=StrEnum)
OtherWord = TypeVar("OtherWord", bound=StrEnum)
OfShape = TypeVar("OfShape")


class Fields:
    """The fields of the mapping at `path`, each read under its own name.

    Fields that `words` does not know are objected to at once.
    """

    def __init__(self, node: tree.Mapping, path: str, words: Words, findings: Findings) -> None:
        self.place = node.place
        self.path = path
        self.findings = findings
        self._words = words
        self._nodes: dict[str, Node] = {}
        self._misspelt = False
        if path:
            findings.places[path] = node.place
        for key, entry in node.entries.items():
            name = words.aliases.get(key, key)
            if findings.is_full:
                break
            if name not in words.fields:
                findings.object_to(self.at(key), entry.key_place, objection(key, words))
                self._misspelt = True
            elif name in self._nodes:
                findings.object_to(self.at(key), entry.key_place, f"{key!r} and {name!r} are the same field")
            else:
                self._nodes[name] = entry.node
                findings.places[self.at(name)] = entry.node.place

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def node(self, name: str) -> Node | None:
        """Return what stands under a name, for those who must look at it themselves."""
        return self._nodes.get(name)

    def is_text(self, name: str) -> bool:
        """Return whether a field is there and holds text."""
        node = self._nodes.get(name)
        return isinstance(node, Leaf) and isinstance(node.value, str)

    def most(self, name: str) -> int:
        """Return the most that a whole number may be."""
        return self._shape(name, WholeNumber).most

    def object_to(self, name: str, description: str) -> None:
        """Note a problem with a field, or with the mapping when it has no such field."""
        node = self._nodes.get(name)
        place = node.place if node is not None else self.place
        self.findings.object_to(self.at(name), place, description)

    def require(self, name: str, description: str) -> None:
        """Object to the absence of a field, unless a word that is not known may be that very field misspelt."""
        if name not in self._nodes and not self._misspelt:
            self.object_to(name, description)

    def open(self, name: str, words: Words) -> Fields | None:
        """Return the fields of a mapping within this one."""
        node = self._nodes.get(name)
        if node is None:
            return None
        if not isinstance(node, tree.Mapping):
            self.object_to(name, f"must be a mapping, but is {tree.kind(node)}")
            return None
        return Fields(node, self.at(name), words, self.findings)

    def text(self, name: str, default: str = "") -> str:
        """Read text."""
        return self.optional_text(name) or default

    def optional_text(self, name: str) -> str | None:
        """Read text, or None where there is none, or not as it should be."""
        node = self._nodes.get(name)
        return None if node is None else leaves.text(self.findings, self.at(name), node, self._shape(name, Text))

    def required_text(self, name: str) -> str:
        """Read text that must be there."""
        form = self._shape(name, Text).form
        example = f", such as {form.example!r}" if form else ""
        self.require(name, f"{self._words.owner} needs `{name}`{example}")
        return self.text(name)

    def expression(self, name: str) -> str | None:
        """Read an expression; the one `${…}` that may be around it is left out."""
        node = self._nodes.get(name)
        if node is None:
            return None
        text = leaves.text(self.findings, self.at(name), node, Text(longest=self._shape(name, Expression).longest))
        if text is None:
            return None
        inner = text.strip()
        is_wrapped = inner.startswith("${") and inner.endswith("}") and inner.count("${") == 1
        return inner[2:-1].strip() if is_wrapped else text

    def whole_number(self, name: str, default: int) -> int:
        """Read an integer within bounds."""
        found = self.optional_whole_number(name)
        return default if found is None else found

    def optional_whole_number(self, name: str) -> int | None:
        """Read an integer, or None where there is none, or not as it should be."""
        node = self._nodes.get(name)
        if node is None:
            return None
        found = leaves.number(self.findings, self.at(name), node, self._shape(name, WholeNumber))
        return found if isinstance(found, int) else None

    def number(self, name: str, default: float) -> float:
        """Read a number within bounds; integers stay integers."""
        node = self._nodes.get(name)
        if node is None:
            return default
        found = leaves.number(self.findings, self.at(name), node, self._shape(name, Number))
        return default if found is None else found

    def truth(self, name: str, default: bool) -> bool:
        """Read true or false."""
        node = self._nodes.get(name)
        found = None if node is None else leaves.truth(self.findings, self.at(name), node)
        return default if found is None else found

    def choice(self, name: str, default: Word) -> Word:
        """Read one of the words of `default`'s kind."""
        return self.optional_choice(name, type(default)) or default

    def optional_choice(self, name: str, kind: type[Word]) -> Word | None:
        """Read one of these words, or None where there is none, or not as it should be."""
        node = self._nodes.get(name)
        if node is None:
            return None
        return leaves.choice(self.findings, self.at(name), node, kind, self._shape(name, Choice))

    def choices(self, name: str, default: frozenset[Word], kind: type[Word]) -> frozenset[Word]:
        """Read a list of words of one kind."""
        if name not in self._nodes:
            return default
        shape = Choice(self._shape(name, Choices).among)
        chosen = [leaves.choice(self.findings, path, node, kind, shape) for path, node in self.elements(name)]
        return frozenset(word for word in chosen if word is not None)

    def choice_by_choice(self, name: str, keys: type[Word], values: type[OtherWord]) -> dict[Word, OtherWord]:
        """Read a mapping from words of one kind to words of another."""
        found: dict[Word, OtherWord] = {}
        for path, key, entry in self.entries(name, "words to words"):
            shape = self._shape(name, ChoiceByChoice)
            word = leaves.choice(self.findings, path, Leaf(entry.key_place, key), keys, Choice(shape.keys))
            value = leaves.choice(self.findings, path, entry.node, values, Choice(shape.values))
            if word in found:
                self.findings.object_to(path, entry.key_place, f"{word.upper()} is there already")
            elif word is not None and value is not None:
                found[word] = value
        return found

    def texts(self, name: str) -> dict[str, str]:
        """Read a mapping from words to text."""
        entries = [*self.entries(name, "words to text")]
        if not entries:
            return {}
        shape = self._shape(name, Texts)
        if len(entries) > shape.most:
            self.object_to(name, f"has {len(entries)} {name}; at most {shape.most} are allowed")
            return {}
        found: dict[str, str] = {}
        for path, key, entry in entries:
            self._require_form(path, key, entry, shape.form)
            if isinstance(entry.node, Leaf) and isinstance(entry.node.value, str):
                found[key] = entry.node.value
            else:
                said = f"must be text, but is {tree.kind(entry.node)}; write it in quotes"
                self.findings.object_to(path, entry.node.place, said)
        return found

    def text_list(self, name: str) -> tuple[str, ...]:
        """Read a list of texts, none of them twice."""
        if name not in self._nodes:
            return ()
        shape = self._shape(name, TextList)
        elements = self.elements(name)
        if not shape.least <= len(elements) <= shape.most:
            bound = f"at least {shape.least}" if len(elements) < shape.least else f"at most {shape.most:,}"
            self.object_to(name, f"has {len(elements):,} elements; it takes {bound}")
            return ()
        found: dict[str, None] = {}
        for path, node in elements:
            self.findings.places[path] = node.place
            text = leaves.text(self.findings, path, node, Text(shape.form))
            if text is not None and text in found:
                self.findings.object_to(path, node.place, f"{text!r} is in the list already")
            elif text is not None:
                found[text] = None
        return tuple(found)

    def json(self, name: str) -> Json:
        """Read any value, remembering where each part of it stands."""
        node = self._nodes.get(name)
        if node is None:
            return None
        self.findings.remember(self.at(name), node)
        return tree.plain(node)

    def template(self, name: str) -> Json:
        """Read a mapping, or text that is one `${…}`."""
        template = self.json(name)
        if name in self and not isinstance(template, dict | str):
            self.object_to(name, "must be a mapping, or one ${…} that gives one")
        return template

    def values(self, name: str) -> Mapping[str, Json]:
        """Read a mapping from names to any values."""
        for path, key, entry in self.entries(name, "names to values"):
            self._require_form(path, key, entry, self._shape(name, Values).form)
        found = self.json(name)
        return found if isinstance(found, dict) else {}

    def schema(self, name: str) -> Schema | None:
        """Read a JSON Schema; whether it is a good one is for the check to say."""
        node = self._nodes.get(name)
        if node is None:
            return None
        if isinstance(node, tree.Mapping) or (isinstance(node, Leaf) and isinstance(node.value, bool)):
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
        return [(f"{self.at(name)}[{index}]", element) for index, element in enumerate(node.elements)]

    def entries(self, name: str, what: str) -> Iterator[tuple[str, str, tree.Entry]]:
        """Read a mapping whose keys are the author's own; each comes with its path."""
        node = self._nodes.get(name)
        if isinstance(node, tree.Mapping):
            for key, entry in node.entries.items():
                yield f"{self.at(name)}.{key}", key, entry
        elif node is not None:
            self.object_to(name, f"must be a mapping from {what}, but is {tree.kind(node)}")

    def nested(self, name: str) -> list[Fields]:
        """Read a list of mappings that have fields of their own."""
        found: list[Fields] = []
        for path, node in self.elements(name):
            if isinstance(node, tree.Mapping):
                found.append(Fields(node, path, self._shape(name, NestedList).words, self.findings))
            else:
                self.findings.object_to(path, node.place, f"must be a mapping, but is {tree.kind(node)}")
        return found

    def _shape(self, name: str, kind: type[OfShape]) -> OfShape:
        shape = self._words.fields[name].shape
        for each in shape.shapes if isinstance(shape, AnyOf) else (shape,):
            if isinstance(each, kind):
                return each
        raise TypeError(f"{name!r} of {self._words.owner} is no {kind.__name__}")

    def _require_form(self, path: str, key: str, entry: tree.Entry, form: Form | None) -> None:
        if form is not None and not leaves.has_form(key, form):
            said = f"a name here is {form.words}, such as {form.example!r}, not {leaves.shown(key)}"
            self.findings.object_to(path, entry.key_place, said)
