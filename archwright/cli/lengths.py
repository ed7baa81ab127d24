"""Lengths of time as people type and read them."""

from __future__ import annotations

import re

from archwright.errors import RequestInvalid

_LENGTH = re.compile(r"(\d{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """Return the seconds that `90s`, `15m`, `8h` or `30d` stand for; raises RequestInvalid."""
    found = _LENGTH.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise RequestInvalid(f"{text!r} is no length of time. Write it as 90s, 15m, 8h or 30d.", facts={"ttl": text})
    return int(found[1]) * _SECONDS[found[2]]


def length_of(seconds: int) -> str:
    """Return `90s`, `15m`, `8h` or `30d`, in the largest unit of which it is a whole number."""
    letter = max((letter for letter, size in _SECONDS.items() if seconds % size == 0), key=_SECONDS.__getitem__)
    return f"{seconds // _SECONDS[letter]}{letter}"
