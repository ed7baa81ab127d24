"""What may stand under a field of the language: one value for each shape, with its bounds.

Reading goes by these, and the published JSON Schema is made of them, so that the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from .model import EXPRESSION_MAX

SECONDS_MAX = 366 * 24 * 3600
STEPS_MAX = 10_000
"""Of one definition, those of all its bodies together."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must look like: as a pattern, in words, and by an example."""

    pattern: re.Pattern[str]
    words: str
    example: str


@dataclass(frozen=True, slots=True)
class Text:
    """Text, of a form if one is given."""

    form: Form | None = None
    longest: int = 1000


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both of them included."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """An integer within bounds, both of them included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these words, in whichever case."""

    among: tuple[StrEnum, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of such words."""

    among: tuple[StrEnum, ...]


@dataclass(frozen=True, slots=True)
class ChoiceByChoice:
    """A mapping from one kind of words to another."""

    keys: tuple[StrEnum, ...]
    values: tuple[StrEnum, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, which may be wrapped in one `${…}`."""

    longest: int = EXPRESSION_MAX


@dataclass(frozen=True, slots=True)
class Template:
    """A mapping whose strings may hold `${…}`, or one `${…}` that gives a mapping."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON; its strings may hold `${…}` where the field says so."""


@dataclass(frozen=True, slots=True)
class SchemaShape:
    """A JSON Schema."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A mapping from words to text; the words may be of a form."""

    most: int
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class TextList:
    """A list of texts of one form, none of them twice."""

    form: Form
    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """A mapping whose keys are of a form, to any JSON; its strings may hold `${…}`."""

    form: Form


@dataclass(frozen=True, slots=True)
class Nested:
    """A mapping with fields of its own."""

    words: Words


@dataclass(frozen=True, slots=True)
class NestedList:
    """A list of mappings with fields of their own."""

    words: Words
    least: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """A body: a list of one step or more."""


@dataclass(frozen=True, slots=True)
class Branches:
    """A mapping from names to bodies."""

    form: Form


@dataclass(frozen=True, slots=True)
class LoneStep:
    """One step that has no neighbours."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several shapes."""

    shapes: tuple[Shape, ...]


Shape: TypeAlias = (
    Text
    | Number
    | WholeNumber
    | Truth
    | Choice
    | Choices
    | ChoiceByChoice
    | Expression
    | Template
    | Anything
    | SchemaShape
    | Texts
    | TextList
    | Values
    | Nested
    | NestedList
    | Steps
    | Branches
    | LoneStep
    | AnyOf
)


@dataclass(frozen=True, slots=True)
class Field:
    """What stands under one word, and what it means in one sentence."""

    shape: Shape
    about: str


@dataclass(frozen=True, slots=True)
class Words:
    """The fields of one kind of mapping.

    `aliases` lead to the name that is used here. `elsewhere` are words that belong to another kind of mapping, each
    with a sentence that says to which. `required` is for the published schema: at least one group of it is there.
    """

    owner: str
    fields: Mapping[str, Field]
    aliases: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    required: tuple[tuple[str, ...], ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The words, without their aliases."""
        return tuple(self.fields)
