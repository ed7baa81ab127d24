"""Finds the secrets that rules name: in environment variables and in files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

SECRET_BYTES_MAX: Final = 4_096


def reveal(kind: Literal["env", "file"], name: str) -> str:
    """Return a secret, without space around it; raises ValueError that names where it was sought."""
    match kind:
        case "env":
            found = os.environ.get(name, "").strip()
            where = f"the environment variable {name}"
        case "file":
            found = _read(Path(name))
            where = f"the file {name}"
    if not found:
        raise ValueError(f"stands in {where}, which is empty or not there")
    return found


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(SECRET_BYTES_MAX).decode().strip()
    except (OSError, UnicodeDecodeError):
        return ""
