"""What agents write down of each delivery: a line each, in a file that outlives whatever becomes of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, json


class Delivery(Struct, frozen=True, gc=False):
    """One delivery of a task, with the fence that a word about it has to show."""

    task_id: str
    attempt: int
    lease_id: str


class Happened(StrEnum):
    """What an agent writes down."""

    GIVEN = "given"
    SENT = "sent"
    """It is about to send its result."""
    ANSWERED = "answered"


class Way(StrEnum):
    """How a result goes to the engine."""

    STREAM = "stream"
    CALL = "call"


class Line(Struct, frozen=True, gc=False):
    """One thing that happened to a delivery. `outcome` is the engine's answer, by the name in the protocol."""

    agent_id: str
    happened: Happened
    delivery: Delivery
    way: Way | None = None
    outcome: str = ""


class Ledger:
    """The file, which several agents may share."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: list[Line] = []
        self._read_bytes = 0

    def write(self, line: Line) -> None:
        """Add a line, which is in the file when this returns."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, json.encode(line) + b"\n")
        finally:
            os.close(descriptor)

    def lines(self) -> Sequence[Line]:
        """Return everything that has been written so far, in order. Only what is new is read."""
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(self._read_bytes)
                whole, end, _ = file.read().rpartition(b"\n")
            self._read_bytes += len(whole) + len(end)
            self._lines += [json.decode(line, type=Line) for line in whole.splitlines()]
        return self._lines
