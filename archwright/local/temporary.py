"""Temporary folders of the mesh: short enough for sockets, private, and known again by whoever cleans up."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "archwright-"
_SHORT = Path("/tmp")  # noqa: S108 - only ever for folders that mkdtemp makes in it
# A socket's whole path may have about a hundred bytes.
_LENGTH_MAX = 60


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it and all that is in it when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(str(folder)) > _LENGTH_MAX:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_SHORT))
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a temporary folder of ours; leave any other alone."""
    if folder.parent in {Path(tempfile.gettempdir()), _SHORT} and folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
