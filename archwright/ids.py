"""Ids: sixteen bytes that sort by time, shown as a typed prefix and 26 letters.

The first six bytes are milliseconds since 1970, the rest chance, or a digest where an id must come out
the same each time. In the database an id is a plain uuid; the prefix exists at the edges only.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import NewType

WorkflowId = NewType("WorkflowId", str)
TaskId = NewType("TaskId", str)
AgentId = NewType("AgentId", str)
SessionId = NewType("SessionId", str)
LeaseId = NewType("LeaseId", str)

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: sorts as its bytes do, and no i, l, o, u
_UNKNOWN = "!"
# What `int` calls the digits of base 32; a sign that it would take besides them becomes one that it refuses.
_DIGITS = str.maketrans(
    {chr(code): _UNKNOWN for code in range(128)} | dict(zip(_LETTERS, "0123456789abcdefghijklmnopqrstuv", strict=True))
)
_LENGTH = 26
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_SHIFTS = range(120, -1, -10)
_UNMARKED = ~(0xF << 76 | 0x3 << 62)


class MalformedId(ValueError):
    """The text is not an id of the expected kind."""


def new_uuid() -> uuid.UUID:
    """Return an id of now and chance."""
    return _compose(time.time_ns() // 1_000_000, os.urandom(10))


def derived_uuid(at_ms: int, *parts: str) -> uuid.UUID:
    """Return the id that these parts always have at `at_ms`, in milliseconds since 1970."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).digest()
    return _compose(at_ms, digest)


def first_of(moment: datetime) -> uuid.UUID:
    """Return the first of all ids of a moment, in whole milliseconds: those made earlier sort before it."""
    return _compose(round(moment.timestamp() * 1000), bytes(10))


def show(prefix: str, value: uuid.UUID) -> str:
    """Return an id as people and the wire see it, such as `wf_01k…`."""
    return _shown(prefix, value.int)


def show_derived(prefix: str, at_ms: int, *parts: str) -> str:
    """Return the id that these parts always have at `at_ms`, as `show` shows it."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).digest()
    return _shown(prefix, _marked(at_ms << 80 | int.from_bytes(digest)))


@lru_cache(maxsize=65_536)
def read(prefix: str, text: str) -> uuid.UUID:
    """Return the uuid behind an id.

    Raises MalformedId when `text` is anything else than `prefix`, an underscore and 26 letters.
    """
    head, _, letters = text.partition("_")
    if head != prefix or len(letters) != _LENGTH:
        raise MalformedId(f"{text[:80]!r} is not an id like {prefix}_{'0' * _LENGTH}")
    digits = letters.translate(_DIGITS)
    if _UNKNOWN in digits or not digits.isascii():
        letter = next(letter for letter in letters if letter not in _LETTERS)
        raise MalformedId(f"{text[:80]!r} is not an id: {letter!r} is not a letter of ids")
    number = int(digits, 32)
    if number >> 128:
        raise MalformedId(f"{text[:80]!r} is not an id: it is too large")
    return uuid.UUID(int=number)


def _compose(at_ms: int, rest: bytes) -> uuid.UUID:
    return uuid.UUID(int=_marked(at_ms << 80 | int.from_bytes(rest)))


def _marked(number: int) -> int:
    """Return a number with the marks of version 7 and of the variant of RFC 9562."""
    return number & _UNMARKED | 0x7 << 76 | 0x2 << 62


def _shown(prefix: str, number: int) -> str:
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"
