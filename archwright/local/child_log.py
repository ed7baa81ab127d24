"""What a child prints, kept in a small file of its own."""

from __future__ import annotations

from pathlib import Path

BYTES_MAX = 2 * 1024 * 1024
_TAIL_BYTES = 8192


class ChildLog:
    """One child's output: the newest 2 to 4 MiB of it, in two files.

    The file is opened for every piece, so nobody has to close it and it may be removed at any time.
    """

    def __init__(self, file: Path, bytes_max: int = BYTES_MAX) -> None:
        self.file = file
        self._bytes_max = bytes_max

    def append(self, output: bytes) -> None:
        """Add what the child printed."""
        with self.file.open("ab") as file:
            if file.tell() + len(output) <= self._bytes_max:
                file.write(output)
                return
        self.file.replace(self.file.with_name(f"{self.file.name}.1"))
        self.file.write_bytes(output)

    def last_lines(self, count: int) -> list[str]:
        """Return the newest lines."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as file:
            file.seek(max(0, self.file.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
