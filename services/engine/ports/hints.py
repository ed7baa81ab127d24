"""What replicas tell each other so that nobody waits for the next look. All of it may be lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hint:
    """What one replica saw lately that others may have to do with."""

    queues: frozenset[tuple[str, str]] = frozenset()
    """Where tasks wait, by tenant and queue, that it has no agent for."""
    ended: frozenset[str] = frozenset()
    """Tasks that ended, and that none of its agents held."""


class Hints(Protocol):
    """Carries hints between replicas; one's own do not come back."""

    async def tell(self, hint: Hint) -> None:
        """Tell all others; raises DependencyUnavailable where that cannot be done just now."""
        ...

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Hint]]:
        """Hear what others tell from now on; raises DependencyUnavailable where, or once, that cannot be done."""
        ...
