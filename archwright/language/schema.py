"""JSON Schema, behind an interface of our own.

Schemas come from anybody who may publish: nothing is fetched, patterns run in linear time, and what is said about a
value never quotes it, since it may be secret.
"""

from __future__ import annotations

import json
from functools import lru_cache

import jsonschema_rs

from archwright.errors import Violation

from .model import Json, Schema

VIOLATIONS_MAX = 20
"""Of one value; the rest would not be read."""

_MASK = "it"


class SchemaInvalid(Exception):
    """What should be a JSON Schema is none, or refers to something outside itself.

    `path` leads from the schema to the part that is wrong, such as `.properties.age.type`.
    """

    def __init__(self, description: str, path: str = "") -> None:
        super().__init__(description)
        self.path = path


class Validator:
    """A schema, ready to judge any number of values."""

    __slots__ = ("_validator",)

    def __init__(self, schema: Json) -> None:
        """Understand a schema. Raises SchemaInvalid."""
        try:
            self._validator = jsonschema_rs.validator_for(
                schema,
                mask=_MASK,
                offline=True,
                validate_formats=True,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except jsonschema_rs.ValidationError as error:
            raise SchemaInvalid(_fault(error), _path("", error.instance_path)) from None
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            raise SchemaInvalid(str(error).splitlines()[0]) from None

    def problems(self, value: Json, *, root: str = "value") -> tuple[Violation, ...]:
        """Return what is wrong with a value; `root` is what it is called in paths."""
        found: list[Violation] = []
        for error in self._validator.iter_errors(value):
            found.append(Violation(_path(root, error.instance_path), error.message))
            if len(found) == VIOLATIONS_MAX:
                break
        return tuple(found)


def validator(schema: Schema) -> Validator:
    """Return the validator of a schema; the same schema gives the same one. Raises SchemaInvalid."""
    return _validator(json.dumps(schema, sort_keys=True, separators=(",", ":")))


@lru_cache(maxsize=1024)
def _validator(text: str) -> Validator:
    return Validator(json.loads(text))


def _path(root: str, keys: list[str | int]) -> str:
    return root + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)


def _fault(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Referencing):
        what, is_outside, _ = error.message.partition(" is not present in a registry")
        return f"{what} is outside of the schema, which may refer to itself only" if is_outside else what
    match error.instance_path:
        case [*_, "type"]:
            return "must be one or more of: array, boolean, integer, null, number, object, string"
        case [*_, "pattern"]:
            return "is no pattern; look-around and back references are not allowed"
        case _:
            return error.message
