"""Templates: JSON whose strings may hold `${…}`.

A string that is one `${…}` and nothing else becomes the expression's value with its type; in the midst of other text
it becomes text. `$${` stands for a plain `${`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression
from .model import Json
from .scope import Scope

Part: TypeAlias = str | Expression


@dataclass(frozen=True, slots=True)
class Text:
    """A string with expressions in it."""

    parts: tuple[Part, ...]

    def fill(self, scope: Scope) -> Json:
        """Return the string with the values in place. Raises ExpressionFailed."""
        parts = self.parts
        if len(parts) == 1 and isinstance(parts[0], Expression):
            return parts[0].evaluate(scope)
        return "".join(part if isinstance(part, str) else _written(part.evaluate(scope)) for part in parts)


class Template:
    """A template that was understood, ready to be filled any number of times."""

    __slots__ = ("_root", "expressions")

    def __init__(self, source: Json) -> None:
        """Understand a template. Raises ExpressionInvalid for the first expression that is none."""
        found: list[Expression] = []
        self._root = _compiled(source, found)
        self.expressions = tuple(found)

    def fill(self, scope: Scope) -> Json:
        """Return the JSON with the values in place. Raises ExpressionFailed."""
        return _filled(self._root, scope) if self.expressions else self._root

    def fill_mapping(self, scope: Scope, what: str) -> dict[str, Json]:
        """Return the JSON with the values in place, which must be a mapping. Raises ExpressionFailed."""
        filled = self.fill(scope)
        if isinstance(filled, dict):
            return filled
        told = self.expressions[0].text if self.expressions else str(self._root)
        raise ExpressionFailed(told, f"{what} must be a mapping, but this gives something else")


def texts(source: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield every string of a template that holds an expression, with its path."""
    match source:
        case str() if "${" in source:
            yield path, source
        case list():
            for index, element in enumerate(source):
                yield from texts(element, f"{path}[{index}]")
        case dict():
            for key, value in source.items():
                yield from texts(value, f"{path}.{key}")
        case _:
            pass


def split(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a text in order, each with whether it is an expression.

    Raises ExpressionInvalid when a `${` is never closed.
    """
    plain: list[str] = []
    at = 0
    while (opening := text.find("${", at)) >= 0:
        if opening > at and text[opening - 1] == "$":
            plain.append(text[at:opening] + "{")  # `$${` with one dollar left out
            at = opening + 2
            continue
        plain.append(text[at:opening])
        if before := "".join(plain):
            yield False, before
        plain.clear()
        closing = _closing(text, opening + 2)
        yield True, text[opening + 2 : closing].strip()
        at = closing + 1
    plain.append(text[at:])
    if rest := "".join(plain):
        yield False, rest


def _closing(text: str, at: int) -> int:
    """Return where the brace is that ends the expression which begins at `at`."""
    begin, depth, quote = at, 0, ""
    while at < len(text):
        letter = text[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter == "{":
            depth += 1
        elif letter == "}":
            if depth == 0:
                return at
            depth -= 1
        at += 1
    raise ExpressionInvalid(f"the ${{ before {text[begin : begin + 20]!r} is never closed")


_Compiled: TypeAlias = Json


def _compiled(source: Json, found: list[Expression]) -> _Compiled:
    def text(source: str) -> Text | str:
        parts = tuple(compile_expression(part) if is_expression else part for is_expression, part in split(source))
        found.extend(part for part in parts if isinstance(part, Expression))
        return Text(parts) if any(isinstance(part, Expression) for part in parts) else "".join(map(str, parts))

    return _mapped(source, lambda leaf: text(leaf) if isinstance(leaf, str) else leaf)


def _filled(compiled: _Compiled, scope: Scope) -> Json:
    # Done for every step of every workflow: `match`, and a function in a function, would cost as much as the rest.
    kind = type(compiled)
    if kind is Text:
        return compiled.fill(scope)
    if kind is dict:
        return {key: _filled(element, scope) for key, element in compiled.items()}
    if kind is list:
        return [_filled(element, scope) for element in compiled]
    return compiled


def _mapped(value: Json, change: Callable[[Json], Json]) -> Json:
    match value:
        case dict():
            return {key: _mapped(element, change) for key, element in value.items()}
        case list():
            return [_mapped(element, change) for element in value]
        case leaf:
            return change(leaf)


def _written(value: Json) -> str:
    """Return a value as it reads in the midst of text: null is nothing, lists and mappings are JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
