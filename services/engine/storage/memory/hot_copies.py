"""Hot copies of workflows in memory: the twin of those in Redis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from services.engine.ports.keys import Key
from services.engine.ports.store import Stored


class MemoryHotCopies:
    """Copies that several replicas share."""

    def __init__(self) -> None:
        self._copies: dict[Key, Stored] = {}

    async def read(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """Return those that there are. Never fails: what cannot be read is missing."""
        return {key: self._copies[key] for key in keys if key in self._copies}

    async def write(self, workflows: Sequence[Stored]) -> None:
        """Copy workflows, except over newer copies."""
        for stored in workflows:
            kept = self._copies.get(stored.key)
            if kept is None or kept.version < stored.version:
                self._copies[stored.key] = stored

    def forget(self) -> None:
        """Lose everything, as Redis may at any moment."""
        self._copies.clear()
