"""Reads annotated files, and says which line of which one is not as it should be."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archwright.errors import RequestInvalid


def rows_of_csv(file: Path, columns: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the rows of a CSV file that has these columns; raises RequestInvalid where it has not, or has no rows."""
    with file.open(encoding="utf-8", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise RequestInvalid(f"{file} has no column {missing[0]!r}; it needs {', '.join(columns)}.")
        found: list[Mapping[str, str]] = [row for row in reader if all(row[column] for column in columns)]
    if not found:
        raise RequestInvalid(f"{file} has no rows.")
    return found


def objects_of_lines(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON object on each line; raises RequestInvalid at a line that holds something else."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield _object(line, f"{file}, line {number}")


def objects_of(file: Path) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON list; raises RequestInvalid where the file holds something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RequestInvalid(f"{file} is not JSON: {error}") from None
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise RequestInvalid(f"{file} must hold a list of objects, and one at least.")
    return found


def _object(text: str, place: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RequestInvalid(f"{place} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise RequestInvalid(f"{place} must hold an object.")
    return found
