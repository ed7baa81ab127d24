"""What a function takes and returns, by its type hints: read from JSON, written as JSON, told as JSON Schema.

A second parameter beside the task is its input, as a type of the function's own: a dataclass, a pydantic model, a
TypedDict or a protobuf message. So a function's body holds no parsing, and a test calls it with plain values.
Fields that a type does not know are left out, unless the type forbids them: a definition may send more than one
agent reads.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import NoneType
from typing import Any, Protocol, get_type_hints, is_typeddict

from google.protobuf import json_format
from google.protobuf.message import Message
from pydantic import BaseModel, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import JsonSchemaMode

from archwright.payloads import Json
from archwright.sdk.errors import Permanent
from archwright.sdk.message_schema import schema_of_message

INPUT_MISMATCH = "INPUT_MISMATCH"
OUTPUT_MISMATCH = "OUTPUT_MISMATCH"
_PROBLEMS_TOLD_MAX = 10


class Form(Protocol):
    """How a type of Python's stands in JSON."""

    def read(self, value: Json) -> object:
        """Return the value as this type; raises Permanent, naming what does not fit."""

    def settle(self, output: object) -> object:
        """Return an output as this type; raises Permanent, naming what does not fit."""

    def schema(self, mode: JsonSchemaMode) -> Json:
        """Return the JSON Schema; `validation` is of what is read, `serialization` of what is written."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The types of a function; None stands for plain JSON."""

    input: Form | None = None
    output: Form | None = None


def forms_of(function: Callable[..., Any]) -> Forms:
    """Return the types that a function is written for; raises ValueError when they cannot be read."""
    called = _name(function)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, and it does not tell
        return Forms()
    given = [each for each in parameters if each.kind in _POSITIONAL and each.default is each.empty]
    if len(given) > 2:
        raise ValueError(f"{called} takes {len(given)} parameters. A function takes its task and, perhaps, its input.")
    try:
        hints = get_type_hints(_hinted(function))
    except (NameError, TypeError) as unreadable:
        if len(given) < 2:
            return Forms()
        raise ValueError(
            f"The type hints of {called} cannot be read: {unreadable}. Define its types at the top of a module, "
            "above the function."
        ) from None
    output = hints.get("return")
    return Forms(
        _input_form(called, given[1].name, hints) if len(given) == 2 else None,
        _form(output) if _is_structured(output) else None,
    )


def _input_form(called: str, parameter: str, hints: dict[str, Any]) -> Form | None:
    if parameter not in hints:
        raise ValueError(f"{called} takes {parameter!r} without a type hint. Write one: `{parameter}: Order`.")
    try:
        return _form(hints[parameter])
    except (PydanticSchemaGenerationError, PydanticUserError) as unfit:
        raise ValueError(f"{called} takes {parameter!r} of a type that JSON cannot be read into: {unfit}") from None


def _form(hint: Any) -> Form:
    return _MessageForm(hint) if _is_message(hint) else _PythonForm(TypeAdapter(hint), _type_name(hint))


@dataclass(frozen=True, slots=True)
class _PythonForm:
    adapter: TypeAdapter[Any]
    name: str

    def read(self, value: Json) -> object:
        return self._validated("input", INPUT_MISMATCH, value)

    def settle(self, output: object) -> object:
        return self._validated("output", OUTPUT_MISMATCH, output)

    def schema(self, mode: JsonSchemaMode) -> Json:
        try:
            return self.adapter.json_schema(mode=mode)
        except PydanticInvalidForJsonSchema:  # such as a type that only code of its own can read
            return {}

    def _validated(self, what: str, code: str, value: object) -> object:
        try:
            return self.adapter.validate_python(value)
        except ValidationError as unfit:
            problems = [f"{_place(each['loc'])}: {each['msg']}" for each in unfit.errors(include_url=False)]
            raise _mismatch(what, code, self.name, problems) from None


@dataclass(frozen=True, slots=True)
class _MessageForm:
    message: type[Message]

    def read(self, value: Json) -> object:
        try:
            return json_format.ParseDict(value, self.message(), ignore_unknown_fields=True)
        except json_format.ParseError as unfit:
            raise _mismatch("input", INPUT_MISMATCH, self.message.DESCRIPTOR.name, [str(unfit)]) from None

    def settle(self, output: object) -> object:
        if isinstance(output, self.message):
            return output
        given = type(output).__name__
        raise _mismatch("output", OUTPUT_MISMATCH, self.message.DESCRIPTOR.name, [f"the function returned {given}"])

    def schema(self, mode: JsonSchemaMode) -> Json:
        descriptor: Any = self.message.DESCRIPTOR  # typed as that of either implementation of protobuf
        return schema_of_message(descriptor)


_POSITIONAL = frozenset({inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD})


def _mismatch(what: str, code: str, name: str, problems: list[str]) -> Permanent:
    told = "; ".join(problems[:_PROBLEMS_TOLD_MAX])
    more = f"; and {len(problems) - _PROBLEMS_TOLD_MAX} more" if len(problems) > _PROBLEMS_TOLD_MAX else ""
    return Permanent(f"The {what} does not fit {name}: {told}{more}.", code=code)


def _place(location: tuple[int | str, ...]) -> str:
    way = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return way.removeprefix(".") or "the whole"


def _hinted(function: Callable[..., Any]) -> Any:
    """Return where the hints of a function are: of a partial in what it calls, of an object in its `__call__`."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _is_structured(hint: Any) -> bool:
    """Whether a returned type says more than that it is JSON."""
    if typing.get_origin(hint) is not None:
        rest = [each for each in typing.get_args(hint) if each is not NoneType]
        return len(rest) == 1 and len(rest) < len(typing.get_args(hint)) and _is_structured(rest[0])
    if not isinstance(hint, type):
        return False
    return dataclasses.is_dataclass(hint) or is_typeddict(hint) or issubclass(hint, BaseModel | Message)


def _is_message(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Message)


def _type_name(hint: Any) -> str:
    return str(getattr(hint, "__name__", hint))


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))
