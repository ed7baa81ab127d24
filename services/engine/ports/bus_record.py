"""What the database knows of the bus, which may lose anything at any moment, and what is to be told to it again."""

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
    epoch: int = 0
    """How often the bus may have lost something."""


@dataclass(frozen=True, slots=True)
class Redelivery:
    """An event that somebody redrove from its dead letter: its group is to be given it again."""

    tenant: str
    letter_id: str
    group: str
    workflow_id: str
    envelope: bytes


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

        None means that nobody needs anything again. What was redelivered since then is to be redelivered again.
        """
        ...

    async def note(self, standings: Sequence[Standing], at: datetime) -> None:
        """Note how far the groups had come, at this time or later."""
        ...

    async def redeliveries(self, *, limit: int) -> Sequence[Redelivery]:
        """Return the first events that somebody redrove and that their groups were not given again yet."""
        ...

    async def redelivered(self, done: Sequence[Redelivery], epoch: int) -> None:
        """Note that the bus has these. Where it may have lost something since that epoch, nothing is noted."""
        ...

    async def forget(self, group: str) -> None:
        """Forget a group: nothing is kept for it any more."""
        ...
