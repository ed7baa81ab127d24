"""How replicas tell each other how tasks are getting on. All of it may be lost, and none of it is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.engine.live import Told
from services.engine.ports.keys import Key


class Listening(Protocol):
    """What one replica hears of the others."""

    async def want(self, keys: Collection[Key]) -> None:
        """Hear of these workflows from now on, and of no others."""
        ...

    async def next(self) -> Told | None:
        """Return what another replica told next; None when that takes a while."""
        ...


class LiveLane(Protocol):
    """Carries progress and pieces of output between replicas; one's own do not come back."""

    async def tell(self, told: Sequence[Told]) -> Collection[Key]:
        """Tell all others, and return the workflows of which nobody wants to hear just now.

        Raises DependencyUnavailable where that cannot be done.
        """
        ...

    def listen(self) -> AbstractAsyncContextManager[Listening]:
        """Begin to hear; raises DependencyUnavailable where, or once, that cannot be done."""
        ...
