"""Copies of workflows that are cheaper to read than the truth, and may be lost at any moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.engine.ports.keys import Key
from services.engine.ports.store import Stored


class HotCopies(Protocol):
    """Copies of live workflows. They may be missing or behind; every commit is guarded against that."""

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """Return those that there are. Never fails: what cannot be read is missing."""
        ...

    async def write(self, workflows: Sequence[Stored]) -> None:
        """Copy workflows, except over newer copies. Raises DependencyUnavailable."""
        ...
