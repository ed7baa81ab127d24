"""The language as a JSON Schema, for editors and for those who write definitions by program.

It is made of the very words and bounds that texts are read by. It says what a text may look like; what a definition
means, such as whether a step that is named exists, only `check` can say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import assert_never

from .model import Json
from .shapes import (
    STEPS_MAX,
    AnyOf,
    Anything,
    Branches,
    Choice,
    ChoiceByChoice,
    Choices,
    Expression,
    Form,
    LoneStep,
    Nested,
    NestedList,
    Number,
    SchemaShape,
    Shape,
    Steps,
    Template,
    Text,
    TextList,
    Texts,
    Truth,
    Values,
    WholeNumber,
    Words,
)
from .words import DEFINITION
from .words_of_steps import LONE_STEP, STEP

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_STEP, _STEPS, _LONE_STEP = "step", "steps", "lone_step"


@cache
def language_schema_text() -> str:
    """Return the schema as text."""
    return json.dumps(language_schema(), indent=2, ensure_ascii=False) + "\n"


def language_schema() -> dict[str, Json]:
    """Return the schema, which is JSON Schema 2020-12."""
    writing = _Writing()
    definition = writing.mapping(DEFINITION)
    wrapped = {
        "type": "object",
        "properties": {"workflow": definition},
        "required": ["workflow"],
        "additionalProperties": False,
    }
    for name, kinds in ((_STEP, STEP), (_LONE_STEP, LONE_STEP)):
        writing.define(name, {"anyOf": [writing.mapping(words, f"{kind}_{name}") for kind, words in kinds.items()]})
    writing.define(_STEPS, {"type": "array", "items": _reference(_STEP), "minItems": 1, "maxItems": STEPS_MAX})
    return {
        "$schema": DIALECT,
        "title": "A workflow definition of Archwright",
        "anyOf": [definition, wrapped],
        "$defs": writing.definitions,
    }


class _Writing:
    """The schemas of all mappings so far, each under its name."""

    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}

    def define(self, name: str, schema: Json) -> None:
        """Keep a schema under a name."""
        self.definitions[name] = schema

    def mapping(self, words: Words, name: str = "") -> dict[str, Json]:
        """Return a reference to the schema of a mapping, which is written when it is first referred to."""
        name = name or words.owner.removeprefix("a ").strip("`").replace(" ", "_")
        if name not in self.definitions:
            self.define(name, None)  # so that what is within it may refer to it
            self.define(name, self._mapping(words))
        return _reference(name)

    def _mapping(self, words: Words) -> Json:
        properties = {
            name: {"description": field.about, **self._shape(field.shape)} for name, field in words.fields.items()
        }
        properties |= {alias: properties[name] for alias, name in words.aliases.items() if name in properties}
        schema: dict[str, Json] = {"type": "object", "properties": properties, "additionalProperties": False}
        if words.required:
            schema["anyOf"] = [_group(group, words.aliases) for group in words.required]
        return schema

    def _shape(self, shape: Shape) -> dict[str, Json]:
        match shape:
            case Text(form=form, longest=longest):
                return {"type": "string", "maxLength": longest, **({"pattern": _pattern(form)} if form else {})}
            case Number(least=least, most=most):
                return {"type": "number", "minimum": least, "maximum": most}
            case WholeNumber(least=least, most=most):
                return {"type": "integer", "minimum": least, "maximum": most}
            case Truth():
                return {"type": "boolean"}
            case Choice(among=among):
                return _choice(among)
            case Choices(among=among):
                return {"type": "array", "items": _choice(among)}
            case ChoiceByChoice(keys=keys, values=values):
                return {"type": "object", "propertyNames": _choice(keys), "additionalProperties": _choice(values)}
            case Expression(longest=longest):
                return {"type": "string", "maxLength": longest}
            case Template():
                return {"type": ["object", "string"]}
            case Anything():
                return {}
            case SchemaShape():
                return {"type": ["object", "boolean"]}
            case Texts(most=most, form=form):
                names = {"propertyNames": {"pattern": _pattern(form)}} if form else {}
                return {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": most, **names}
            case TextList(form=form, most=most, least=least):
                items = self._shape(Text(form))
                return {"type": "array", "items": items, "minItems": least, "maxItems": most, "uniqueItems": True}
            case Values(form=form):
                return {"type": "object", "propertyNames": {"pattern": _pattern(form)}, "minProperties": 1}
            case Nested(words=words):
                return self.mapping(words)
            case NestedList(words=words, least=least):
                return {"type": "array", "items": self.mapping(words), "minItems": least}
            case Steps():
                return _reference(_STEPS)
            case Branches(form=form):
                names = {"propertyNames": {"pattern": _pattern(form)}}
                return {"type": "object", "additionalProperties": _reference(_STEPS), "minProperties": 1, **names}
            case LoneStep():
                return _reference(_LONE_STEP)
            case AnyOf(shapes=shapes):
                return {"anyOf": [self._shape(each) for each in shapes]}
            case _:
                assert_never(shape)


def _reference(name: str) -> dict[str, Json]:
    return {"$ref": f"#/$defs/{name}"}


def _group(group: tuple[str, ...], aliases: Mapping[str, str]) -> Json:
    """Return that each word of a group is there, by that name or by an alias."""
    spellings = [[name, *(alias for alias, meant in aliases.items() if meant == name)] for name in group]
    if all(len(names) == 1 for names in spellings):
        return {"required": [*group]}
    return {"allOf": [{"anyOf": [{"required": [name]} for name in names]} for names in spellings]}


def _choice(among: tuple[StrEnum, ...]) -> dict[str, Json]:
    """Return a choice: the words as editors should offer them, and the same in any case."""
    words = [str(word) for word in among]
    any_case = "|".join(
        "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word) for word in words
    )
    return {"anyOf": [{"enum": words}, {"type": "string", "pattern": f"^(?:{any_case})$"}]}


def _pattern(form: Form) -> str:
    return f"^(?:{form.pattern.pattern})$"
