"""JSON payloads: the inputs, outputs and contexts that people and agents send.

One rule decides what passes: a payload must survive every form it takes on its way (JSON text, `Struct`,
double-precision numbers in a browser) unchanged. Hence a depth of 16, no integer of 2^53 and beyond, no NaN;
and 3.0 is the same number as 3.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import orjson
from google.protobuf import struct_pb2

from archwright.errors import PayloadInvalid, PayloadTooLarge

Json: TypeAlias = Any
"""None, a truth value, a number, a string, a list of these, or a dict from strings to these."""

LIMIT_BYTES = 1 << 20
DEPTH_MAX = 16
INTEGER_LIMIT = 1 << 53

# What is not plain JSON is refused, not translated in silence.
_CANONICAL = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def parse(raw: bytes | str, *, limit_bytes: int = LIMIT_BYTES, root: str = "payload") -> Json:
    """Return the checked value of a JSON text; `root` is what the payload is called in errors.

    Raises PayloadTooLarge or PayloadInvalid.
    """
    size = len(raw.encode()) if isinstance(raw, str) else len(raw)
    if size > limit_bytes:
        raise PayloadTooLarge(
            f"{root} has {size:,} bytes; the limit is {limit_bytes:,}. Put large content into an artifact instead.",
            facts={"field": root, "size_bytes": str(size), "limit_bytes": str(limit_bytes)},
        )
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as malformed:
        raise PayloadInvalid(
            f"{root} is not JSON: {malformed}.",
            facts={"field": root, "line": str(malformed.lineno), "column": str(malformed.colno)},
        ) from None
    return check(value, root=root)


def canonical(value: Json) -> bytes:
    """Return the one JSON text of a checked value: UTF-8, sorted keys, no blanks.

    Raises PayloadInvalid when the value is not made of JSON's types.
    """
    try:
        return orjson.dumps(value, option=_CANONICAL)
    except TypeError as unfit:
        raise PayloadInvalid(f"The payload cannot be written as JSON: {unfit}.") from None


def check(value: Json, *, root: str = "payload") -> Json:
    """Return a copy of `value` in which integral floats are integers.

    Raises PayloadInvalid, naming the place, for what JSON cannot carry everywhere.
    """
    try:
        return _checked(value, 0)
    except _Unfit as unfit:
        raise unfit.named(root) from None


def from_struct(struct: struct_pb2.Struct, *, root: str = "payload") -> Json:
    """Return the checked dict behind a Struct; raises PayloadInvalid."""
    try:
        return _object_of(struct, 1)
    except _Unfit as unfit:
        raise unfit.named(root) from None


def to_struct(value: Json, *, root: str = "payload") -> struct_pb2.Struct:
    """Return a Struct that holds the checked dict `value`; raises PayloadInvalid."""
    if type(value) is not dict:
        raise PayloadInvalid(f"{root} must be an object, not {_kind(value)}.", facts={"field": root})
    struct = struct_pb2.Struct()
    struct.update(check(value, root=root))
    return struct


class _Unfit(Exception):
    """What is wrong with a value; the way to it is added as the recursion unwinds."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.way: list[str] = []

    def within(self, part: str) -> _Unfit:
        self.way.append(part)
        return self

    def named(self, root: str) -> PayloadInvalid:
        place = root + "".join(reversed(self.way))
        return PayloadInvalid(f"{place} {self.problem}", facts={"field": place})


def _checked(value: Json, depth: int) -> Json:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return _integer(value)
    if kind is float:
        return _number(value)
    if kind is dict:
        return _checked_object(value, depth + 1)
    if kind is list or kind is tuple:
        return _checked_list(value, depth + 1)
    raise _Unfit(f"is of the Python type {kind.__name__}, which JSON does not know.")


def _checked_object(value: dict[str, Json], depth: int) -> Json:
    _refuse_depth(depth)
    checked = {}
    for key, member in value.items():
        if type(key) is not str:
            raise _Unfit(f"has the key {key!r}; keys must be strings.")
        try:
            checked[key] = _checked(member, depth)
        except _Unfit as unfit:
            raise unfit.within(f".{key}") from None
    return checked


def _checked_list(value: list[Json], depth: int) -> Json:
    _refuse_depth(depth)
    checked = []
    for position, member in enumerate(value):
        try:
            checked.append(_checked(member, depth))
        except _Unfit as unfit:
            raise unfit.within(f"[{position}]") from None
    return checked


def _object_of(struct: struct_pb2.Struct, depth: int) -> Json:
    _refuse_depth(depth)
    members = {}
    for key, member in struct.fields.items():
        try:
            members[key] = _value_of(member, depth)
        except _Unfit as unfit:
            raise unfit.within(f".{key}") from None
    return members


def _list_of(values: struct_pb2.ListValue, depth: int) -> Json:
    _refuse_depth(depth)
    members = []
    for position, member in enumerate(values.values):
        try:
            members.append(_value_of(member, depth))
        except _Unfit as unfit:
            raise unfit.within(f"[{position}]") from None
    return members


def _value_of(value: struct_pb2.Value, depth: int) -> Json:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _object_of(value.struct_value, depth + 1)
        case "list_value":
            return _list_of(value.list_value, depth + 1)
        case "null_value":
            return None
        case _:
            raise _Unfit("is a google.protobuf.Value without a kind; set null_value to mean null.")


def _integer(value: int) -> int:
    if -INTEGER_LIMIT < value < INTEGER_LIMIT:
        return value
    raise _Unfit("is an integer of 2^53 or more, which JSON does not carry exactly; send it as a string.")


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise _Unfit("is not a finite number; JSON has no NaN and no infinity.")
    return _integer(int(value)) if value.is_integer() else value


def _refuse_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _Unfit(f"is nested more than {DEPTH_MAX} levels deep; flatten it, or send it as an artifact.")


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "a list"
        case _:
            return type(value).__name__
