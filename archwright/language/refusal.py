"""The one error that tells everything that is wrong with a definition."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.errors import DefinitionInvalid, Violation

VIOLATIONS_MAX = 100
"""Of one definition; the rest would not be read."""


def refusal(violations: Sequence[Violation]) -> DefinitionInvalid:
    """Return the error that tells of these problems, of which there is at least one, in the order of the text."""
    ordered = in_order(violations)
    first = ordered[0]
    where = f"line {first.line}, column {first.column}: " if first.line else ""
    what = f"{first.field}: {first.description}" if first.field else first.description
    others = len(ordered) - 1
    more = f" (and {others} more)" if others else ""
    facts = {"field": first.field, "line": str(first.line), "column": str(first.column)}
    return DefinitionInvalid(
        f"The definition is not valid. {where}{what}{more}.", violations=ordered, facts=facts if first.line else None
    )


def in_order(violations: Sequence[Violation]) -> tuple[Violation, ...]:
    """Return problems in the order in which their places come in the text."""
    return tuple(sorted(violations, key=lambda violation: (violation.line, violation.column)))
