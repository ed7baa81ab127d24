"""The blocks of code that our documents show, so that tests can run the very text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = "```"


def blocks(file: str, heading: str, language: str) -> list[str]:
    """Return the blocks in this language that stand directly below a heading, in order; there is at least one."""
    found = [text for above, kind, text in all_blocks(file) if (above, kind) == (heading, language)]
    assert found, f"{file} shows no {language} under {heading!r}"
    return found


def all_blocks(file: str) -> Iterator[tuple[str, str, str]]:
    """Yield (heading, language, text) of every block."""
    heading, gathered = "", list[str]()
    language: str | None = None
    for line in (ROOT / file).read_text().splitlines(keepends=True):
        if language is None and line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif language is None and line.startswith(_FENCE):
            language, gathered = line.removeprefix(_FENCE).strip(), []
        elif language is not None and line.startswith(_FENCE):
            yield heading, language, "".join(gathered)
            language = None
        elif language is not None:
            gathered.append(line)
