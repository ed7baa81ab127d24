"""The workflows that this replica works on, as of their last commit.

Only an optimisation: every commit is guarded by the workflow's version, so a memory that is behind costs a
reload, never correctness. Nothing in here is newer than the database.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from services.engine.ports.keys import Key
from services.engine.ports.store import Stored


class Memory:
    """Keeps the workflows that were used last."""

    def __init__(self, workflows_max: int) -> None:
        self._workflows_max = workflows_max
        self._kept: OrderedDict[Key, Stored] = OrderedDict()

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
            self._kept.pop(stored.key, None)
            return
        self._kept[stored.key] = stored
        self._kept.move_to_end(stored.key)
        while len(self._kept) > self._workflows_max:
            self._kept.popitem(last=False)

    def forget(self, keys: Collection[Key]) -> None:
        """Drop workflows of which somebody else may know more."""
        for key in keys:
            self._kept.pop(key, None)
