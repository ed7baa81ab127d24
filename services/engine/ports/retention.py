"""What is kept long enough, and may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class FileKey:
    """A file of a tenant, by the hash of its content."""

    tenant: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Walked:
    """How far a walk over all files came, and how many it removed. `last` is None at the end."""

    removed: int
    last: FileKey | None


class Leftovers(Protocol):
    """Removes, of all tenants, what nobody can need any more. Every call is bounded by its limit."""

    async def remove_workflows(self, ended_before: datetime, *, limit: int) -> int:
        """Remove workflows that ended before, the oldest first, with all that is kept of them; return how many.

        Never one that is under way, be it because somebody retried it just now. The audit keeps its rows.
        """
        ...

    async def remove_letters(self, made_before: datetime, *, limit: int) -> int:
        """Remove dead letters of events that were made before and whose workflow is not there; return how many."""
        ...

    async def remove_files(self, touched_before: datetime, *, after: FileKey | None, limit: int) -> Walked:
        """Look at files whose key sorts after `after`, and remove those that nothing names and nobody sent since."""
        ...

    async def remove_cached_outputs(self, expired_before: datetime, *, limit: int) -> int:
        """Remove outputs of steps that may no longer be used again; return how many."""
        ...
