"""A workflow's input from a file: YAML or JSON, with the line and column of whatever is wrong in it."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

from archwright.errors import ArchwrightError, PayloadInvalid, PayloadTooLarge, RequestInvalid, Violation
from archwright.language.read import read
from archwright.language.tree import Malformed, Mapping, Node, Sequence, plain
from archwright.payloads import LIMIT_BYTES, Json, check

STANDARD_INPUT = "-"
_ROOT = "input"
_KEY_OR_INDEX = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class InputFile:
    """What a file says, and where in it each part stands."""

    def __init__(self, text: str) -> None:
        """Read the text; raises PayloadTooLarge, and PayloadInvalid with a place where it is neither YAML nor JSON."""
        size = len(text.encode())
        if size > LIMIT_BYTES:
            raise PayloadTooLarge(
                f"The input has {size:,} bytes; the limit is {LIMIT_BYTES:,}. Send large content as an artifact.",
                facts={"size_bytes": str(size), "limit_bytes": str(LIMIT_BYTES)},
            )
        try:
            self._tree = read(text)
        except Malformed as wrong:
            raise _invalid(Violation("", wrong.description, wrong.place.line, wrong.place.column)) from None

    def content(self) -> dict[str, Json]:
        """Return the input, which must be an object; raises PayloadInvalid with a place."""
        content = plain(self._tree)
        if not isinstance(content, dict):
            place = self._tree.place
            raise _invalid(Violation("", "the input must be a mapping of names to values", place.line, place.column))
        try:
            return dict(check(content, root=_ROOT))
        except PayloadInvalid as error:
            raise self.placed(error) from None

    def placed(self, error: ArchwrightError) -> ArchwrightError:
        """Return the error with the places of its violations in this file."""
        violations = [self._placed(violation) for violation in error.violations]
        return type(error)(error.message, violations=violations, facts=error.facts)

    def _placed(self, violation: Violation) -> Violation:
        if violation.line:
            return violation
        node: Node = self._tree
        for key, index in _KEY_OR_INDEX.findall(violation.field.removeprefix(_ROOT)):
            match node:
                case Mapping(entries=entries) if key in entries:
                    node = entries[key].node
                case Sequence(elements=elements) if index and int(index) < len(elements):
                    node = elements[int(index)]
                case _:  # something that is missing: its place is that of what should hold it
                    break
        return replace(violation, line=node.place.line, column=node.place.column)


def read_text(file: str) -> str:
    """Return the text of a file, or of standard input for `-`; raises RequestInvalid when it cannot be read."""
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise RequestInvalid(f"The file {file!r} cannot be read: {error.strerror}.", facts={"file": file}) from None
    except UnicodeDecodeError as error:
        raise RequestInvalid(
            f"The file {file!r} is not text in UTF-8: byte {error.start} is none of it.", facts={"file": file}
        ) from None


def _invalid(violation: Violation) -> PayloadInvalid:
    return PayloadInvalid("The input cannot be read.", violations=[violation])
