"""How many workflows may be under way at once, shared out among the replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.engine.ports.keys import Key


class Quota(Protocol):
    """Permits, each for one workflow under way, which replicas borrow in chunks and give back."""

    async def borrow(self, tenant: str, wanted: int, limit: int) -> int:
        """Borrow up to `wanted` permits, as long as no more than `limit` are lent in all; return how many."""
        ...

    async def owe(self, tenant: str, count: int) -> None:
        """Borrow permits that are in use already, whatever the limit."""
        ...

    async def give_back(self, tenant: str, count: int) -> None:
        """Return permits that nobody uses."""
        ...

    async def report(self, free: Mapping[str, int]) -> None:
        """Say that this replica lives, and how many permits it has that it does not use, by tenant."""
        ...

    async def leave(self, unused: Mapping[str, int]) -> None:
        """Return what this replica has and does not use, by tenant: it stops, and borrows nothing any more."""
        ...

    async def recount(self, dead_after_seconds: float) -> Sequence[str]:
        """Take back what replicas had that are dead; return the tenants concerned.

        Where workflows wait for a permit it is counted anew who has one: answers get lost, and permits with them.
        """
        ...

    async def waiting(self, tenant: str, limit: int) -> Sequence[Key]:
        """Return workflows of a tenant that wait for a permit, those first that have waited longest."""
        ...

    async def tenants_waiting(self) -> Sequence[str]:
        """Return the tenants of which workflows wait for a permit."""
        ...

    async def depths(self) -> Mapping[str, int]:
        """Return how much waits, by tenant: tasks for an agent, and workflows for a permit."""
        ...
