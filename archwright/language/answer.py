"""CEL's answers as JSON.

CEL has types that JSON lacks, and answers that are too large to keep; both are refused, nothing is translated in
silence. An answer is converted piece by piece, so that a large one is noticed before it fills the memory.
"""

from __future__ import annotations

import math

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs, but does not say so

from .model import Json
from .tree import INTEGER_LIMIT

RESULT_MAX = 1 << 20
"""Of an answer, counted as one for each value and one for each character."""


class NotJson(Exception):
    """An answer cannot be JSON."""


def as_json(answer: cel.Value) -> Json:
    """Return an answer as JSON. Raises NotJson."""
    return _Converter().json(answer)


class _Converter:
    """Converts one answer, and stops when it grows too large."""

    def __init__(self) -> None:
        self._left = RESULT_MAX

    def json(self, answer: cel.Value) -> Json:
        value = answer.value()
        self._spend(1)
        match value:
            case None | bool():
                return value
            case str():
                self._spend(len(value))
                return value
            case int():
                if abs(value) >= INTEGER_LIMIT:
                    raise NotJson("the result is an integer too large to survive JSON; make it a string(…)")
                return value
            case float():
                return self._number(value)
            case list():
                return [self.json(element) for element in value]
            case dict():
                return {self._key(key): self.json(element) for key, element in value.items()}
            case _:
                kind = answer.type().name().lower()
                raise NotJson(f"the result is a {kind}, which JSON does not have; make it a string(…)")

    def _number(self, value: float) -> int | float:
        if not math.isfinite(value):
            raise NotJson("the result is no finite number")
        return int(value) if value.is_integer() and abs(value) < INTEGER_LIMIT else value

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise NotJson("the result is a map with a key that is no string")
        self._spend(len(key))
        return key

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise NotJson(f"the result is larger than {RESULT_MAX:,} characters and values")
