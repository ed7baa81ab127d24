"""What can be known to be wrong with the expressions of a definition.

A name must stand for something: the element of a foreach around it, a field that `input_schema` declares, or any
field when nothing is declared. A step may be read only where some path has been through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from archwright.errors import Violation

from . import template
from .bodies import FAILURE, FAILURE_FIELDS, PlacedBody
from .check_reading import Readable, Viewpoint
from .expressions import ExpressionInvalid, compile_expression
from .faults import Faults
from .lookup import TYPE_NAMES, shown
from .model import Definition, Schema
from .scope import ROOTS, STEP_FIELDS, WORKFLOW_FIELDS
from .syntax import Mention
from .vocabulary import did_you_mean
from .written import Wanted, Written, written

_SHOWN_MAX = 80

# With one of these a schema may allow fields that it does not name under `properties`.
_OPEN_ENDED = frozenset({"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties"})


def declared_fields(schema: Schema | None) -> frozenset[str] | None:
    """Return the fields that an input may have, or None when it may have any."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return None
    return None if _OPEN_ENDED & schema.keys() else frozenset(schema["properties"])


class Checker:
    """Checks the expressions of one definition, which has these bodies."""

    def __init__(self, definition: Definition, bodies: Sequence[PlacedBody]) -> None:
        self._fields = declared_fields(definition.input_schema)
        self._steps = Readable(bodies)
        self._texts = [*written(definition, bodies)]
        self._vars = frozenset(name for text in self._texts for name in text.sets)
        self._static = Faults(_all_names(self._texts))

    def violations(self) -> Iterator[Violation]:
        """Yield what is wrong with the expressions of the definition, in no order."""
        for text in self._texts:
            match text.wanted:
                case Wanted.JSON:
                    yield from self._template(text)
                case _:
                    yield from self._expression(text)

    def _expression(self, text: Written) -> Iterator[Violation]:
        wrong = tuple(self._wrong(text.source, text.view))
        if not wrong:
            expression = compile_expression(text.source)
            if text.wanted is Wanted.TRUTH and self._static.is_never_true_or_false(expression):
                wrong = ("it must be true or false",)
            elif text.wanted is Wanted.LIST and self._static.is_never_a_list(expression):
                wrong = ("it must be a list",)
        for fault in wrong:
            yield _violation(text.path, text.source, fault)

    def _template(self, text: Written) -> Iterator[Violation]:
        for place, part in template.texts(text.source, text.path):
            try:
                expressions = [piece for is_expression, piece in template.split(part) if is_expression]
            except ExpressionInvalid as error:
                yield Violation(place, str(error))
                continue
            for expression in expressions:
                for fault in self._wrong(expression, text.view):
                    yield _violation(place, expression, fault)

    def _wrong(self, text: str, view: Viewpoint) -> Iterator[str]:
        try:
            expression = compile_expression(text)
        except ExpressionInvalid as error:
            yield str(error)
            return
        yield from self._static.of(expression)
        for mention in sorted(expression.syntax.mentions, key=lambda mention: str(mention.path)):
            yield from self._mention(mention, view)

    def _mention(self, mention: Mention, view: Viewpoint) -> Iterator[str]:
        match mention.path:
            case ("steps", str(name), *rest):
                yield from self._step(name, rest, view)
            case ("steps", *_):
                yield "name the step that is meant, as in steps.<name>.output"
            case ("workflow", field, *_) if field not in WORKFLOW_FIELDS:
                yield f"there is no workflow.{field}{_hint(str(field), WORKFLOW_FIELDS)}"
            case ("vars", str(field), *_) if field not in self._vars and not mention.is_asked_for:
                yield f"nothing sets {shown(('vars', field))}{did_you_mean(field, self._vars)}"
            case ("input", str(field), *_):
                if self._is_undeclared(field) and not mention.is_asked_for:
                    yield f"there is no input field {field!r}{_hint(field, self._fields or ())}"
            case (str(name), *rest) if name in view.body.locals:
                if name == FAILURE and rest and rest[0] not in FAILURE_FIELDS:
                    yield f"there is no failure.{rest[0]}{_hint(str(rest[0]), FAILURE_FIELDS)}"
            case (str(name), *_) if name not in ROOTS and name not in TYPE_NAMES and self._is_undeclared(name):
                yield f"there is no input field {name!r}{self._hint_for_name(name, view)}"
            case _:
                pass

    def _step(self, name: str, rest: list[str | int], view: Viewpoint) -> Iterator[str]:
        if name not in self._steps:
            yield f"there is no step {name!r}{self._steps.hint(name)}"
        elif objection := self._steps.objection(name, view):
            yield f"step {name!r} {objection}"
        if rest and rest[0] not in STEP_FIELDS:
            yield f"a step has no {rest[0]!r}{_hint(str(rest[0]), STEP_FIELDS)}"

    def _is_undeclared(self, field: str) -> bool:
        return self._fields is not None and field not in self._fields

    def _hint_for_name(self, name: str, view: Viewpoint) -> str:
        if name in self._steps:
            return f"; the step of that name is read as steps.{name}.output"
        return _hint(name, [*(self._fields or ()), *view.body.locals, *ROOTS])


def _all_names(texts: Iterable[Written]) -> Iterator[str]:
    for text in texts:
        for expression in _expressions(text):
            with suppress(ExpressionInvalid):  # told where it stands, when its turn comes
                yield from compile_expression(expression).names


def _expressions(text: Written) -> Iterator[str]:
    if text.wanted is not Wanted.JSON:
        yield text.source
        return
    for _, part in template.texts(text.source, ""):
        with suppress(ExpressionInvalid):
            yield from [piece for is_expression, piece in template.split(part) if is_expression]


def _hint(word: str, known: tuple[str, ...] | list[str] | frozenset[str]) -> str:
    return did_you_mean(word, known) or (f"; there are: {', '.join(sorted(known))}" if known else "")


def _violation(path: str, expression: str, fault: str) -> Violation:
    told = expression if len(expression) <= _SHOWN_MAX else expression[: _SHOWN_MAX - 1] + "…"
    return Violation(path, f"in {told!r}: {fault}")
