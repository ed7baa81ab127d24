"""What a child prints, kept in a small file of its own."""

from __future__ import annotations

from pathlib import Path

BYTES_MAX = 2 * 1024 * 1024
_TAIL_BYTES = 8192


class ChildLog:
    """One child's output: the newest 2 to 4 MiB of it, in two files."""

    def __init__(self, file: Path, bytes_max: int = BYTES_MAX) -> None:
        self.file = file
        self._bytes_max = bytes_max
        self._open = file.open("ab", buffering=0)

    def append(self, output: bytes) -> None:
        """Add what the child printed."""
        if self._open.tell() + len(output) > self._bytes_max:
            self._open.close()
            self.file.replace(self.file.with_name(f"{self.file.name}.1"))
            self._open = self.file.open("ab", buffering=0)
        self._open.write(output)

    def last_lines(self, count: int) -> list[str]:
        """Return the newest lines."""
        with self.file.open("rb") as file:
            file.seek(max(0, self.file.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def close(self) -> None:
        """Let go of the file."""
        self._open.close()
