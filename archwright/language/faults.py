"""What can never be right about an expression, whatever its names stand for.

CEL's own check finds operators and functions that do not fit their operands. It wants every name declared; all of
them are declared as being of any type, once for a whole definition, since each set of declarations costs time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs, but does not say so

from .complaints import first_complaint
from .expressions import Expression
from .lookup import TYPE_NAMES
from .vocabulary import did_you_mean

FUNCTIONS = frozenset(
    {
        *("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"),
        *("size", "contains", "startsWith", "endsWith", "matches"),
        *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
        *("getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
    }
)
"""Every function that an expression may call."""

MACROS = {
    "has": "has(a.b)",
    "all": "list.all(x, …)",
    "exists": "list.exists(x, …)",
    "exists_one": "list.exists_one(x, …)",
    "map": "list.map(x, …)",
    "filter": "list.filter(x, …)",
}
"""What looks like a function but is built in, and how it is written."""


class Faults:
    """Finds the faults of expressions that use none but these names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names) - TYPE_NAMES

    def of(self, expression: Expression) -> tuple[str, ...]:
        """Return what is wrong with an expression."""
        if unknown := (*_unknown_functions(expression), *_message_types(expression)):
            return unknown
        if not _is_checkable(expression):
            return ()
        try:
            self._environment.compile(expression.text)
        except RuntimeError as error:
            return (first_complaint(str(error)),)
        return ()

    def is_never_true_or_false(self, expression: Expression) -> bool:
        """Return whether an expression without faults can be told to give neither, before it is evaluated."""
        if not _is_checkable(expression):
            return False
        kind = self._environment.compile(expression.text).return_type()
        return kind not in (cel.Type.BOOL, cel.Type.DYN)

    def is_never_a_list(self, expression: Expression) -> bool:
        """Return whether an expression without faults can be told to give something else, before it is evaluated."""
        if not _is_checkable(expression):
            return False
        kind = self._environment.compile(expression.text).return_type()
        return kind != cel.Type.DYN and not kind.name().startswith("LIST")

    @cached_property
    def _environment(self) -> cel.Env:
        return cel.NewEnv(variables=dict.fromkeys(self._names, cel.Type.DYN))


def _is_checkable(expression: Expression) -> bool:
    # There is nothing to be wrong with a path. A field that is called like a type cannot be declared, so CEL would
    # take it for the type.
    return expression.syntax.path is None and not expression.names & TYPE_NAMES


def _unknown_functions(expression: Expression) -> Iterator[str]:
    for name in sorted(expression.syntax.functions - FUNCTIONS):
        if name in MACROS:
            yield f"{name} is written {MACROS[name]}"
        elif name.isidentifier():  # operators are functions too
            yield f"there is no function {name!r}{did_you_mean(name, [*FUNCTIONS, *MACROS])}"


def _message_types(expression: Expression) -> Iterator[str]:
    for name in sorted(expression.syntax.message_types):
        yield f"there are no message types such as {name!r} here"
