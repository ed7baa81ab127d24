"""Which names of files may stand in a repository: agents choose them, and people check them out on any system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

NAME_BYTES_MAX: Final = 255
PATH_BYTES_MAX: Final = 1_024

_RESERVED: Final = frozenset({".git", "git~1"})
"""What git keeps for itself, the second as Windows shortens the first."""


class PathRefused(ValueError):
    """A path may not stand in a repository; the message names it and says why."""


def require_path(path: str) -> None:
    """Raise PathRefused unless this is the path of a file, or of a folder, below where it is put."""
    if len(path.encode("utf-8", "surrogatepass")) > PATH_BYTES_MAX:
        raise PathRefused(f"The path {path[:60]!r}… is longer than {PATH_BYTES_MAX} bytes.")
    if path.startswith("/"):
        raise PathRefused(f"The path {path!r} begins at the root; paths stand below a folder.")
    for name in path.split("/"):
        problem = _problem_of(name)
        if problem:
            raise PathRefused(f"The path {path!r} is refused: {problem}.")


def require_together(paths: Iterable[str]) -> None:
    """Raise PathRefused unless each is a path, and no two of them are one where upper and lower case are the same."""
    seen: dict[str, tuple[str, bool]] = {}
    for path in paths:
        require_path(path)
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            part, is_file = "/".join(names[:depth]), depth == len(names)
            other, other_is_file = seen.setdefault(_folded(part), (part, is_file))
            if other_is_file != is_file:
                raise PathRefused(f"The path {path!r} is refused: {other!r} would be both a file and a folder.")
            if other != part:
                raise PathRefused(
                    f"The path {path!r} is refused: {other!r} differs from {part!r} only in how it is cased."
                )


def _problem_of(name: str) -> str:
    if name in {"", ".", ".."}:
        return f"{name!r} is no name"
    if not name.isprintable():
        return f"{name!r} holds a character that is not shown"
    if "\\" in name or ":" in name:
        return f"{name!r} holds a backslash or a colon"
    if name.startswith(" ") or name.endswith((" ", ".")):
        return f"{name!r} begins or ends in a way that some systems drop"
    if _folded(name) in _RESERVED:
        return f"{name!r} belongs to git"
    if len(name.encode()) > NAME_BYTES_MAX:
        return f"{name[:60]!r}… is longer than {NAME_BYTES_MAX} bytes"
    return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
