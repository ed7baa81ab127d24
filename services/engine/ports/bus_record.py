"""What the database knows of the bus, which may lose anything at any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.bus.port import Standing


@dataclass(frozen=True, slots=True)
class BusKnown:
    """The bus as it was when it was last looked after."""

    life: str
    """What it said of itself; empty before the first time."""
    groups: Mapping[str, datetime]
    """Each group, and the time until which all that was published is settled by it."""
    at: datetime
    """When this was read, by the clock of the database."""


class BusRecord(Protocol):
    """Remembers the bus, and which commits its groups may still need."""

    async def take_charge(self, seconds: float) -> bool:
        """Return whether it is on this replica to look after the bus; it is then, for so long, on no other."""
        ...

    async def known(self) -> BusKnown:
        """Return what is remembered."""
        ...

    async def lost(self, life: str, since: datetime | None) -> int:
        """Note that the bus may have lost what it was told since then; return how many commits it is to be told again.

        None means that nobody needs anything again.
        """
        ...

    async def note(self, standings: Sequence[Standing], at: datetime) -> None:
        """Note how far the groups had come, at this time or later."""
        ...

    async def forget(self, group: str) -> None:
        """Forget a group: nothing is kept for it any more."""
        ...
