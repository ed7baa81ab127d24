"""What can be known to be wrong with the expressions of a definition.

A name must stand for something: a field that `input_schema` declares, or any field when nothing is declared. A step
may be read only where some path has been through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from archwright.errors import Violation

from . import template
from .expressions import ExpressionInvalid, compile_expression
from .faults import Faults
from .lookup import TYPE_NAMES, shown
from .model import Definition, Json, Schema
from .scope import ROOTS, STEP_FIELDS, WORKFLOW_FIELDS
from .syntax import Mention
from .vocabulary import did_you_mean

_SHOWN_MAX = 80

# With one of these a schema may allow fields that it does not name under `properties`.
_OPEN_ENDED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties"})


def declared_fields(schema: Schema | None) -> frozenset[str] | None:
    """Return the fields that an input may have, or None when it may have any."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return None
    return None if _OPEN_ENDED & schema.keys() else frozenset(schema["properties"])


class Checker:
    """Checks the expressions of one definition.

    Which steps may be read somewhere is told by a set of their positions, as the bits of an integer.
    """

    def __init__(self, definition: Definition) -> None:
        self._fields = declared_fields(definition.input_schema)
        self._positions = {step.name: position for position, step in enumerate(definition.steps)}
        self._static = Faults(_all_names(definition))

    def condition(self, path: str, text: str, readable: int) -> Iterator[Violation]:
        """Yield what is wrong with an expression that must be true or false."""
        wrong = tuple(self._wrong(text, readable))
        if not wrong and self._static.is_never_true_or_false(compile_expression(text)):
            wrong = ("it must be true or false",)
        for fault in wrong:
            yield _violation(path, text, fault)

    def template(self, path: str, source: Json, readable: int) -> Iterator[Violation]:
        """Yield what is wrong with the expressions of a template."""
        for place, text in template.texts(source, path):
            try:
                expressions = [part for is_expression, part in template.split(text) if is_expression]
            except ExpressionInvalid as error:
                yield Violation(place, str(error))
                continue
            for expression in expressions:
                for fault in self._wrong(expression, readable):
                    yield _violation(place, expression, fault)

    def _wrong(self, text: str, readable: int) -> Iterator[str]:
        try:
            expression = compile_expression(text)
        except ExpressionInvalid as error:
            yield str(error)
            return
        yield from self._static.of(expression)
        for mention in sorted(expression.syntax.mentions, key=lambda mention: str(mention.path)):
            yield from self._mention(mention, readable)

    def _mention(self, mention: Mention, readable: int) -> Iterator[str]:
        match mention.path:
            case ("steps", str(name), *rest):
                yield from self._step(name, rest, readable)
            case ("steps", *_):
                yield "name the step that is meant, as in steps.<name>.output"
            case ("workflow", field, *_) if field not in WORKFLOW_FIELDS:
                yield f"there is no workflow.{field}{_hint(str(field), WORKFLOW_FIELDS)}"
            case ("vars", field, *_) if not mention.is_asked_for:
                yield f"nothing sets {shown(('vars', field))}"
            case ("input", str(field), *_):
                if self._is_undeclared(field) and not mention.is_asked_for:
                    yield f"there is no input field {field!r}{_hint(field, self._fields or ())}"
            case (str(name), *_) if name not in ROOTS and name not in TYPE_NAMES and self._is_undeclared(name):
                yield f"there is no input field {name!r}{self._hint_for_name(name)}"
            case _:
                pass

    def _step(self, name: str, rest: list[str | int], readable: int) -> Iterator[str]:
        position = self._positions.get(name)
        if position is None:
            yield f"there is no step {name!r}{did_you_mean(name, self._positions)}"
        elif not readable >> position & 1:
            yield f"step {name!r} has never been done by then"
        if rest and rest[0] not in STEP_FIELDS:
            yield f"a step has no {rest[0]!r}{_hint(str(rest[0]), STEP_FIELDS)}"

    def _is_undeclared(self, field: str) -> bool:
        return self._fields is not None and field not in self._fields

    def _hint_for_name(self, name: str) -> str:
        if name in self._positions:
            return f"; the step of that name is read as steps.{name}.output"
        return _hint(name, [*(self._fields or ()), *ROOTS])


def _all_names(definition: Definition) -> Iterator[str]:
    for text in _all_texts(definition):
        with suppress(ExpressionInvalid):  # told where it stands, when its turn comes
            yield from compile_expression(text).names


def _all_texts(definition: Definition) -> Iterator[str]:
    for step in definition.steps:
        yield from (condition.if_ for condition in step.conditions)
    for source in (*(step.input for step in definition.steps), definition.output):
        for _, text in template.texts(source, ""):
            with suppress(ExpressionInvalid):
                yield from [part for is_expression, part in template.split(text) if is_expression]


def _hint(word: str, known: tuple[str, ...] | list[str] | frozenset[str]) -> str:
    return did_you_mean(word, known) or (f"; there are: {', '.join(sorted(known))}" if known else "")


def _violation(path: str, expression: str, fault: str) -> Violation:
    told = expression if len(expression) <= _SHOWN_MAX else expression[: _SHOWN_MAX - 1] + "…"
    return Violation(path, f"in {told!r}: {fault}")
