"""Errors as a person reads them: what, why and what next on standard error, never a traceback."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from archwright.errors import ArchwrightError, Violation


class InFile(Exception):
    """An error that is about a file the person named."""

    def __init__(self, file: str, error: ArchwrightError) -> None:
        super().__init__(error.message)
        self.file = file
        self.error = error


@contextlib.contextmanager
def about(file: str) -> Iterator[None]:
    """Have violations in the block told with the name of the file that they are in."""
    try:
        yield
    except ArchwrightError as error:
        if not error.violations:
            raise
        raise InFile(file, error) from error


def tell(error: ArchwrightError, file: str = "") -> None:
    """Print the error, and on a line of its own each violation that has a place or was not told yet."""
    news = [each for each in error.violations if each.line or each.description not in error.message]
    lines = [f"archwright: {error.message}", *(told(violation, file) for violation in news)]
    sys.stderr.write("\n".join(lines) + "\n")


def told(violation: Violation, file: str = "") -> str:
    """Return the violation as editors understand it: `file:line:column: message`."""
    place = f"{violation.line}:{violation.column}:" if violation.line else ""
    return f"{file}:{place} {_named(violation)}" if file else f"{place} {_named(violation)}".lstrip()


def _named(violation: Violation) -> str:
    # A sentence that names its field already need not say it twice.
    is_named = not violation.field or violation.field in violation.description
    return violation.description if is_named else f"{violation.field}: {violation.description}"
