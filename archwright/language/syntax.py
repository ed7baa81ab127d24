"""What an expression mentions, read from the syntax tree that CEL's own parser made of it.

CEL shows its tree only as a serialised `cel.expr.ParsedExpr`; the few fields that matter are read here straight from
the wire format. Field numbers are those of `cel/expr/syntax.proto`, which are published and do not change.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""A name and what is selected from it by constant keys: `steps.a.output[0]` is `("steps", "a", "output", 0)`."""

RESERVED = frozenset(
    {
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"),
        *("loop", "namespace", "null", "package", "return", "true", "var", "void", "while"),
    }
)
"""Words of CEL itself: none of these can be the name of a value."""

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PLAIN_PATH = re.compile(rf"{_NAME}(?:\.{_NAME}|\[(?:0|[1-9][0-9]{{0,8}})\])*")
_KEY = re.compile(rf"({_NAME})|\[([0-9]+)\]")

_Wire: TypeAlias = dict[int, list[int | bytes]]


class _Kind(IntEnum):
    """Which field of `Expr` is set: what kind of expression it is."""

    CONSTANT = 3
    NAME = 4
    SELECT = 5
    CALL = 6
    LIST = 7
    STRUCT = 8
    COMPREHENSION = 9


@dataclass(frozen=True, slots=True)
class Mention:
    """A path that an expression reads, or with `has()` only asks for.

    With a leading dot a name is global: no loop variable can hide it.
    """

    path: Path
    is_asked_for: bool = False
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class Syntax:
    """What an expression mentions. `path` is set when the expression is a path and nothing else."""

    mentions: frozenset[Mention]
    functions: frozenset[str]
    message_types: frozenset[str]
    has_loops: bool
    path: Path | None


def plain_path(text: str) -> Syntax | None:
    """Return what a text mentions that is a path and nothing else, or None; most expressions are no more.

    It is what `read_syntax` gives for it, at a twentieth of the cost.
    """
    if not _PLAIN_PATH.fullmatch(text):
        return None
    keys = [name or int(index) for name, index in _KEY.findall(text)]
    if not RESERVED.isdisjoint(keys):
        return None
    path = tuple(keys)
    nothing: frozenset[str] = frozenset()
    return Syntax(frozenset({Mention(path)}), nothing, nothing, has_loops=False, path=path)


def read_syntax(serialised: bytes) -> Syntax:
    """Return what a serialised `ParsedExpr`, wrapped in an `Any`, mentions."""
    parsed = _message(_bytes(_message(serialised), 2))
    root = _bytes(parsed, 2)
    reading = _Reading()
    reading.visit(root, frozenset())
    path = _path(root)
    return Syntax(
        mentions=frozenset(reading.mentions),
        functions=frozenset(reading.functions),
        message_types=frozenset(reading.message_types),
        has_loops=reading.has_loops,
        path=path.path if path is not None and not path.is_asked_for else None,
    )


class _Reading:
    """One walk over a tree. `bound` are the loop variables in sight; they hide names of the same spelling."""

    def __init__(self) -> None:
        self.mentions: set[Mention] = set()
        self.functions: set[str] = set()
        self.message_types: set[str] = set()
        self.has_loops = False

    def visit(self, raw: bytes, bound: frozenset[str]) -> None:
        mention = _path(raw)
        if mention is not None:
            if mention.is_global or mention.path[0] not in bound:
                self.mentions.add(Mention(mention.path, mention.is_asked_for))
            return
        kind, body = _expression(raw)
        match kind:
            case _Kind.SELECT:
                self.visit(_bytes(body, 1), bound)
            case _Kind.CALL:
                self.functions.add(_text(body, 2))
                for part in (*_all(body, 1), *_all(body, 3)):
                    self.visit(part, bound)
            case _Kind.LIST:
                for element in _all(body, 1):
                    self.visit(element, bound)
            case _Kind.STRUCT:
                if name := _text(body, 1):
                    self.message_types.add(name)
                for entry in map(_message, _all(body, 2)):
                    for part in (*_all(entry, 3), *_all(entry, 4)):
                        self.visit(part, bound)
            case _Kind.COMPREHENSION:
                self._loop(body, bound)
            case _:
                pass  # constants mention nothing

    def _loop(self, body: _Wire, bound: frozenset[str]) -> None:
        self.has_loops = True
        variables = {_text(body, 1), _text(body, 8)}
        accumulator = _text(body, 3)
        for part in (*_all(body, 2), *_all(body, 4)):  # what is walked, and what it starts with
            self.visit(part, bound)
        for part in (*_all(body, 5), *_all(body, 6)):  # when it goes on, and what it does
            self.visit(part, bound | variables | {accumulator})
        for part in _all(body, 7):  # what it gives
            self.visit(part, bound | {accumulator})


def _path(raw: bytes) -> Mention | None:
    """Return the path that an expression is, or None when it is something else."""
    keys: list[str | int] = []
    is_asked_for = False
    while True:
        kind, body = _expression(raw)
        match kind:
            case _Kind.NAME:
                name = _text(body, 1)
                keys.append(name.removeprefix("."))
                return Mention(tuple(reversed(keys)), is_asked_for, is_global=name.startswith("."))
            case _Kind.SELECT:
                keys.append(_text(body, 2))
                is_asked_for = is_asked_for or bool(body.get(3))
                raw = _bytes(body, 1)
            case _Kind.CALL if _text(body, 2) == "_[_]":
                raw, index = _all(body, 3)
                key = _constant(index)
                if key is None:
                    return None
                keys.append(key)
            case _:
                return None


def _constant(raw: bytes) -> str | int | None:
    kind, body = _expression(raw)
    if kind is not _Kind.CONSTANT:
        return None
    if 6 in body:
        return _text(body, 6)
    if 3 in body:
        value = body[3][-1]
        return value if isinstance(value, int) and value < 1 << 63 else None
    return None


def _expression(raw: bytes) -> tuple[_Kind | None, _Wire]:
    for number, values in _message(raw).items():
        value = values[-1]
        if number in _Kind.__members__.values() and isinstance(value, bytes):
            return _Kind(number), _message(value)
    return None, {}


def _message(raw: bytes) -> _Wire:
    fields: _Wire = {}
    for number, value in _fields(raw):
        fields.setdefault(number, []).append(value)
    return fields


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        match tag & 7:
            case 0:
                value, at = _varint(raw, at)
                yield tag >> 3, value
            case 1:
                yield tag >> 3, struct.unpack_from("<Q", raw, at)[0]
                at += 8
            case 2:
                length, at = _varint(raw, at)
                yield tag >> 3, raw[at : at + length]
                at += length
            case 5:
                yield tag >> 3, struct.unpack_from("<I", raw, at)[0]
                at += 4
            case other:
                raise ValueError(f"wire type {other} in a syntax tree")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _all(body: _Wire, number: int) -> list[bytes]:
    return [value for value in body.get(number, []) if isinstance(value, bytes)]


def _bytes(body: _Wire, number: int) -> bytes:
    found = _all(body, number)
    return found[-1] if found else b""


def _text(body: _Wire, number: int) -> str:
    return _bytes(body, number).decode()
