"""A text as a tree of nodes that know where they stand.

YAML and JSON both end up here, so that everything after it knows one form only. Limits hold while a tree grows,
before anything is built from it: texts come from anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .model import Json, Place

DEPTH_MAX = 64
INTEGER_LIMIT = 1 << 53
"""Integers from here on do not survive JSON in a browser, nor `Struct`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A string, a number, a truth value or null."""

    place: Place
    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands under one key of a mapping, and where that key is."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, in the order written."""

    place: Place
    entries: dict[str, Entry]


Node: TypeAlias = Leaf | Sequence | Mapping


class Malformed(Exception):
    """The text cannot be read as a tree."""

    def __init__(self, place: Place, description: str) -> None:
        super().__init__(description)
        self.place = place
        self.description = description


def kind(node: Node) -> str:
    """Return what a node is, for error messages."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Leaf(value=None):
            return "empty"
        case Leaf(value=bool()):
            return "true or false"
        case Leaf(value=str()):
            return "text"
        case Leaf():
            return "a number"


def plain(node: Node) -> Json:
    """Return the JSON value of a node, without places."""
    match node:
        case Mapping(entries=entries):
            return {key: plain(entry.node) for key, entry in entries.items()}
        case Sequence(elements=elements):
            return [plain(element) for element in elements]
        case Leaf(value=value):
            return value


def number(text: str, place: Place) -> int | float:
    """Return the number that a JSON number text stands for. Integral ones are integers.

    Raises Malformed when no JSON number can carry it exactly.
    """
    if not any(letter in text for letter in ".eE"):
        if len(text) > 20 or abs(int(text)) >= INTEGER_LIMIT:
            raise Malformed(place, "this integer is too large to survive JSON; put it in quotes")
        return int(text)
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise Malformed(place, "this number is too large; put it in quotes")
    return int(value) if value.is_integer() and abs(value) < INTEGER_LIMIT else value
