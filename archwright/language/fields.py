"""The fields of a mapping, read one by one with a word for everything that is wrong.

Reading goes on after a problem, with the default in place of what was wrong, so that an author sees all problems
of a text at once. Bounds and forms are those of the words that the mapping was opened with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from archwright.errors import Violation

from . import tree
from .model import Json, Place, Schema
from .refusal import VIOLATIONS_MAX
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
from .vocabulary import did_you_mean, objection

Word = TypeVar("Word", bound=StrEnum)
OtherWord = TypeVar("OtherWord", bound=StrEnum)
Part = TypeVar("Part")
OfShape = TypeVar("OfShape")

_SHOWN_MAX = 60


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
        return default if name not in self._nodes else self.optional_text(name) or default

    def optional_text(self, name: str) -> str | None:
        """Read text, or None where there is none, or not as it should be."""
        node = self._nodes.get(name)
        if node is None:
            return None
        shape = self._shape(name, Text)
        return self._text(self.at(name), node, shape.form, shape.longest)

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
        text = self._text(self.at(name), node, None, self._shape(name, Expression).longest)
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
        if name not in self._nodes:
            return None
        shape = self._shape(name, WholeNumber)
        value = self._number(name, shape.least, shape.most)
        if value is None or isinstance(value, int):
            return value
        self.object_to(name, f"must be a whole number, but is {value}")
        return None

    def number(self, name: str, default: float) -> float:
        """Read a number within bounds; integers stay integers."""
        if name not in self._nodes:
            return default
        shape = self._shape(name, Number)
        found = self._number(name, shape.least, shape.most)
        return default if found is None else found

    def truth(self, name: str, default: bool) -> bool:
        """Read true or false."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if not isinstance(node, Leaf) or not isinstance(node.value, bool):
            self.object_to(name, f"must be true or false, but is {tree.kind(node)}")
            return default
        return node.value

    def choice(self, name: str, default: Word) -> Word:
        """Read one of the words of `default`'s kind, in whichever case it is written."""
        return self.optional_choice(name, type(default)) or default

    def optional_choice(self, name: str, among: type[Word]) -> Word | None:
        """Read one of these words, or None where there is none, or not as it should be."""
        node = self._nodes.get(name)
        if node is None:
            return None
        return self._chosen(self.at(name), node, among, self._shape(name, Choice).among)

    def choices(self, name: str, default: frozenset[Word], among: type[Word]) -> frozenset[Word]:
        """Read a list of words of one kind."""
        if name not in self._nodes:
            return default
        allowed = self._shape(name, Choices).among
        chosen = [self._chosen(path, node, among, allowed) for path, node in self.elements(name)]
        return frozenset(word for word in chosen if word is not None)

    def choice_by_choice(self, name: str, keys: type[Word], values: type[OtherWord]) -> dict[Word, OtherWord]:
        """Read a mapping from words of one kind to words of another."""
        if name not in self._nodes:
            return {}
        shape = self._shape(name, ChoiceByChoice)
        found: dict[Word, OtherWord] = {}
        for key, entry in self.entries(name, "words to words").items():
            path = f"{self.at(name)}.{key}"
            word = self._chosen(path, Leaf(entry.key_place, key), keys, shape.keys)
            value = self._chosen(path, entry.node, values, shape.values)
            if word in found:
                self.findings.object_to(path, entry.key_place, f"{word.upper()} is there already")
            elif word is not None and value is not None:
                found[word] = value
        return found

    def texts(self, name: str) -> dict[str, str]:
        """Read a mapping from words to text."""
        if name not in self._nodes:
            return {}
        found: dict[str, str] = {}
        entries = self.entries(name, "words to text")
        shape = self._shape(name, Texts)
        if len(entries) > shape.most:
            self.object_to(name, f"has {len(entries)} {name}; at most {shape.most} are allowed")
            return {}
        for key, entry in entries.items():
            if shape.form is not None and not shape.form.pattern.fullmatch(key):
                said = f"a word here is {shape.form.words}, such as {shape.form.example!r}, not {key[:_SHOWN_MAX]!r}"
                self.findings.object_to(f"{self.at(name)}.{key}", entry.key_place, said)
            if isinstance(entry.node, Leaf) and isinstance(entry.node.value, str):
                found[key] = entry.node.value
            else:
                path = f"{self.at(name)}.{key}"
                description = f"must be text, but is {tree.kind(entry.node)}; write it in quotes"
                self.findings.object_to(path, entry.node.place, description)
        return found

    def text_list(self, name: str) -> tuple[str, ...]:
        """Read a list of texts, none of them twice."""
        if name not in self._nodes:
            return ()
        shape = self._shape(name, TextList)
        elements = self.elements(name)
        if not shape.least <= len(elements) <= shape.most:
            wanted = f"at least {shape.least}" if len(elements) < shape.least else f"at most {shape.most:,}"
            self.object_to(name, f"has {len(elements):,} elements; {wanted} must be there")
            return ()
        found: dict[str, None] = {}
        for path, node in elements:
            self.findings.places[path] = node.place
            text = self._text(path, node, shape.form, 1000)
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
        self._remember(self.at(name), node)
        return tree.plain(node)

    def template(self, name: str) -> Json:
        """Read a mapping, or text that is one `${…}`."""
        template = self.json(name)
        if name in self and not isinstance(template, dict | str):
            self.object_to(name, "must be a mapping, or one ${…} that gives one")
        return template

    def values(self, name: str) -> dict[str, Json]:
        """Read a mapping from names to any values."""
        if name not in self._nodes:
            return {}
        form = self._shape(name, Values).form
        for key, entry in self.entries(name, "names to values").items():
            if not form.pattern.fullmatch(key):
                said = f"a name is {form.words}, such as {form.example!r}, not {key[:_SHOWN_MAX]!r}"
                self.findings.object_to(f"{self.at(name)}.{key}", entry.key_place, said)
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

    def entries(self, name: str, what: str) -> Mapping[str, tree.Entry]:
        """Read a mapping whose keys are the author's own."""
        node = self._nodes.get(name)
        if node is None:
            return {}
        if not isinstance(node, tree.Mapping):
            self.object_to(name, f"must be a mapping from {what}, but is {tree.kind(node)}")
            return {}
        return node.entries

    def mappings(self, name: str, read: Callable[[tree.Mapping, str], Part]) -> list[Part]:
        """Read a list of mappings, each by `read`, which is given the mapping and its path."""
        parts: list[Part] = []
        for path, node in self.elements(name):
            if isinstance(node, tree.Mapping):
                parts.append(read(node, path))
            else:
                self.findings.object_to(path, node.place, f"must be a mapping, but is {tree.kind(node)}")
        return parts

    def nested(self, name: str) -> list[Fields]:
        """Read a list of mappings that have fields of their own."""
        if name not in self._nodes:
            return []
        words = self._shape(name, NestedList).words
        return self.mappings(name, lambda node, path: Fields(node, path, words, self.findings))

    def _shape(self, name: str, kind: type[OfShape]) -> OfShape:
        shape = self._words.fields[name].shape
        for each in shape.shapes if isinstance(shape, AnyOf) else (shape,):
            if isinstance(each, kind):
                return each
        raise TypeError(f"{name!r} of {self._words.owner} is no {kind.__name__}")

    def _text(self, path: str, node: Node, form: Form | None, longest: int) -> str | None:
        if not isinstance(node, Leaf) or not isinstance(node.value, str):
            written = f" {node.value}" if isinstance(node, Leaf) and node.value is not None else ""
            example = f", such as {form.example!r}" if form else ""
            said = f"must be text in quotes{example}, but is {tree.kind(node)}{written}"
        elif len(node.value) > longest:
            said = f"has {len(node.value):,} characters; at most {longest:,} are allowed"
        elif form is not None and not form.pattern.fullmatch(node.value):
            said = f"must be {form.words}, such as {form.example!r}, not {node.value[:_SHOWN_MAX]!r}"
        else:
            return node.value
        self.findings.object_to(path, node.place, said)
        return None

    def _number(self, name: str, least: float, most: float) -> float | None:
        node = self._nodes.get(name)
        if node is None:
            return None
        if not isinstance(node, Leaf) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.object_to(name, f"must be a number, but is {tree.kind(node)}")
            return None
        if not least <= node.value <= most:
            self.object_to(name, f"must be from {least:,} to {most:,}, but is {node.value:,}")
            return None
        return node.value

    def _chosen(self, path: str, node: Node, kind: type[Word], among: tuple[StrEnum, ...]) -> Word | None:
        words = [str(word) for word in among]
        if not isinstance(node, Leaf) or not isinstance(node.value, str):
            self.findings.object_to(path, node.place, f"must be one of {', '.join(words)}, but is {tree.kind(node)}")
            return None
        word = node.value.lower() if node.value.isascii() else node.value
        if word in words:
            return kind(word)
        if self.findings.is_full:
            return None
        hint = did_you_mean(word, words) or f"; there are: {', '.join(words)}"
        self.findings.object_to(path, node.place, f"there is no {node.value[:_SHOWN_MAX]!r} here{hint}")
        return None

    def _remember(self, path: str, node: Node) -> None:
        self.findings.places[path] = node.place
        match node:
            case tree.Mapping(entries=entries):
                for key, entry in entries.items():
                    self._remember(f"{path}.{key}", entry.node)
            case Sequence(elements=elements):
                for index, element in enumerate(elements):
                    self._remember(f"{path}[{index}]", element)
            case Leaf():
                pass
