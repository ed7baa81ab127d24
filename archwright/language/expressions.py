"""Expressions: CEL, behind an interface of our own.

CEL was chosen because it always ends, does nothing but answer, and is checked before it is ever run. Expressions come
from anybody who may publish, so their length, their depth, the loops in them and what comes out are all limited.
"""

from __future__ import annotations

from functools import cache, lru_cache

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs, but does not say so

from . import lookup
from .answer import NotJson, as_json
from .complaints import clean, explain, first_complaint
from .intake import Inadmissible, admit
from .model import EXPRESSION_MAX, Json
from .scope import Scope
from .syntax import Path, Syntax, plain_path, read_syntax


class ExpressionInvalid(Exception):
    """A text is not an expression, or can never be right."""


class ExpressionFailed(Exception):
    """An expression had no answer for the values at hand."""

    def __init__(self, expression: str, message: str) -> None:
        super().__init__(f"Expression {expression!r} failed: {message}.")
        self.expression = expression
        self.message = message


class Expression:
    """A text that was understood, ready to be evaluated any number of times."""

    __slots__ = ("_program", "_reads", "syntax", "text")

    def __init__(self, text: str, syntax: Syntax, program: cel.Expression | None) -> None:
        """Keep what was understood; a path, which is followed without CEL, needs no program."""
        self.text = text
        self.syntax = syntax
        self._program = program
        self._reads = lookup.branches(mention.path for mention in syntax.mentions)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @property
    def names(self) -> frozenset[str]:
        """The names it uses, such as `input` or a field of the input; loop variables are not among them."""
        return frozenset(str(mention.path[0]) for mention in self.syntax.mentions)

    @property
    def steps(self) -> frozenset[str]:
        """The steps whose output or status it reads."""
        paths = (mention.path for mention in self.syntax.mentions)
        return frozenset(str(path[1]) for path in paths if path[0] == "steps" and len(path) > 1)

    def evaluate(self, scope: Scope) -> Json:
        """Return the answer, as JSON. Raises ExpressionFailed."""
        if self.syntax.path is not None:
            return self._follow(self.syntax.path, scope)
        assert self._program is not None  # all but paths have one
        values = lookup.values(self._reads, scope)
        try:
            admit(values, has_loops=self.syntax.has_loops)
            answer = self._program.eval(data=values)
        except Inadmissible as inadmissible:
            raise ExpressionFailed(self.text, str(inadmissible)) from None
        except RuntimeError as error:
            raise ExpressionFailed(self.text, clean(str(error))) from None
        if answer.type() == cel.Type.ERROR:
            raise ExpressionFailed(self.text, explain(clean(str(answer.value()))) + self._types(scope))
        try:
            return as_json(answer)
        except NotJson as not_json:
            raise ExpressionFailed(self.text, str(not_json)) from None

    def is_true(self, scope: Scope) -> bool:
        """Return the answer, which must be true or false. Raises ExpressionFailed."""
        answer = self.evaluate(scope)
        if not isinstance(answer, bool):
            raise ExpressionFailed(self.text, f"a condition is true or false, but this is {lookup.type_name(answer)}")
        return answer

    def _follow(self, path: Path, scope: Scope) -> Json:
        try:
            return lookup.follow(path, scope)
        except lookup.Absent as absent:
            raise ExpressionFailed(self.text, f"{absent}; ask with has(…) first") from None

    def _types(self, scope: Scope) -> str:
        told: list[str] = []
        paths = (mention.path for mention in self.syntax.mentions)
        for path in sorted((path for path in paths if path[0] not in lookup.TYPE_NAMES), key=str):
            try:
                told.append(f"{lookup.shown(path)} is {lookup.type_name(lookup.follow(path, scope))}")
            except lookup.Absent:
                told.append(f"{lookup.shown(path)} is absent")
        return f" ({', '.join(told)})" if told else ""


@lru_cache(maxsize=8192)
def compile_expression(text: str) -> Expression:
    """Return the expression that `text` is. Raises ExpressionInvalid when it is none."""
    if len(text) > EXPRESSION_MAX:
        raise ExpressionInvalid(f"it has {len(text):,} characters; at most {EXPRESSION_MAX:,} are allowed")
    if not text.strip():
        raise ExpressionInvalid("it is empty")
    if "${" in text:
        raise ExpressionInvalid("write it without ${…}, which is for text in mappings")
    if (path := plain_path(text)) is not None:
        return Expression(text, path, None)
    try:
        # Without CEL's check names need not be declared; `Faults` does the checking, once, at publishing.
        program = _environment().compile(text, disable_check=True)
    except RuntimeError as error:
        raise ExpressionInvalid(first_complaint(str(error))) from None
    return Expression(text, read_syntax(program.serialize()), program)


@cache
def _environment() -> cel.Env:
    # The first one of a process takes a noticeable while, hence none is made at import.
    return cel.NewEnv()
