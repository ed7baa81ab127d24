"""The workflows that this replica works on, as of their last commit.

Only an optimisation: every commit is guarded by the workflow's version, so a memory that is behind costs a
reload, never correctness. Nothing in here is newer than the database. What is kept is bounded by its estimated
size; what was used longest ago goes first, so workflows that wait for long cost nothing after a while.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection

from services.engine.ports.keys import Key
from services.engine.ports.store import Stored

_BYTES_EACH = 4_096
"""What a small workflow takes, with its known values."""


class Memory:
    """Keeps the workflows that were used last, up to so many bytes."""

    def __init__(self, bytes_max: int) -> None:
        self.on_eviction: Callable[[Stored], None] = _nobody
        """Told of workflows that leave because others need the room."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[Key, Stored] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Stored | None:
        """Return a workflow, if it is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, stored: Stored) -> None:
        """Keep a workflow as it was committed or loaded, unless a newer one is kept. Drop finished ones."""
        kept = self._kept.get(stored.key)
        if kept is not None and kept.version > stored.version:
            return
        if stored.workflow.status.is_final:
            self.forget((stored.key,))
            return
        self._bytes += _size(stored) - (0 if kept is None else _size(kept))
        self._kept[stored.key] = stored
        self._kept.move_to_end(stored.key)
        while self._bytes > self._bytes_max and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)
            self.on_eviction(oldest)

    def peek(self, key: Key) -> Stored | None:
        """Return a workflow, if it is kept, without counting it as used."""
        return self._kept.get(key)

    def forget(self, keys: Collection[Key]) -> None:
        """Drop workflows of which somebody else may know more."""
        for key in keys:
            dropped = self._kept.pop(key, None)
            if dropped is not None:
                self._bytes -= _size(dropped)


def _nobody(stored: Stored) -> None:
    """Stand in where nobody wants to know."""


def _size(stored: Stored) -> int:
    """Return about how many bytes a workflow takes: its state as text and its latest events, several times over."""
    return _BYTES_EACH + 8 * (stored.snapshot_bytes + stored.tail_bytes)
