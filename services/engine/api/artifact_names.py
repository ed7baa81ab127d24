"""Which names files of workflows may have."""

from __future__ import annotations

import unicodedata
from typing import Final

_CHARACTERS_MAX: Final = 200
_PART_BYTES_MAX: Final = 255  # no file system takes longer ones
_NOT_SEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Characters that are not seen, or turn around how a name reads."""


def is_artifact_name(name: str) -> bool:
    """Return whether the name is a relative path that stays where it is put, on any system, and reads as it is."""
    if not 0 < len(name) <= _CHARACTERS_MAX or "\\" in name:
        return False
    if any(unicodedata.category(letter) in _NOT_SEEN for letter in name):
        return False
    return all(_is_part(part) for part in name.split("/"))


def _is_part(part: str) -> bool:
    return part not in ("", ".", "..") and part == part.strip() and len(part.encode()) <= _PART_BYTES_MAX
