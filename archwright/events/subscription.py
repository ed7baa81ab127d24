"""How a group of receivers reads the bus: the port that its adapters keep to.

All receivers of a group share its events. An entry belongs to whoever took it until it is settled; when its receiver
falls silent, another one reclaims it. So every event is received at least once by some member of each group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archwright.events.entries import Received


class TryLater(Exception):
    """An event cannot be dealt with now; told by whoever receives it, with a pause of its own choosing."""

    def __init__(self, message: str, *, after_seconds: float) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


@dataclass(frozen=True, slots=True)
class EntryId:
    """Where an entry is."""

    partition: int
    number: str
    """As Redis counts: milliseconds, and a number within them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Some events that came together, and what is known of earlier tries to deal with them."""

    entry_id: EntryId
    events: tuple[Received, ...]
    deliveries: int = 1
    """How many receivers have been given it."""
    failures: Mapping[int, int] = field(default_factory=dict)
    """How often each event has failed, by its place."""
    settled: frozenset[int] = frozenset()
    """The places of events that have been dealt with already."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An event that a group could not deal with."""

    event_id: str
    envelope: bytes
    error: str
    retry_count: int


class Subscription(Protocol):
    """One member's part in a group. Everything raises DependencyUnavailable when the bus does not answer."""

    @property
    def group(self) -> str:
        """Whose it is."""
        ...

    async def take(self, limit: int) -> Sequence[Entry]:
        """Return entries that nobody has been given yet, at most so many of each partition; wait a little for some.

        A group that is not there, or no longer, is made, and begins with the oldest entry there is.
        """
        ...

    async def reclaim(self, limit: int) -> Sequence[Entry]:
        """Return entries whose receivers have been silent for too long."""
        ...

    async def keep(self, entries: Collection[EntryId]) -> None:
        """Say that these are still being dealt with, so that nobody reclaims them."""
        ...

    async def note(self, entry_id: EntryId, failures: Mapping[int, int], settled: Collection[int]) -> None:
        """Note for whoever may have to take over how far an entry has been dealt with."""
        ...

    async def settle(self, entry_id: EntryId, given_up: Sequence[GivenUp] = ()) -> None:
        """Acknowledge an entry, and put away what was given up of it: both or neither."""
        ...

    async def leave(self) -> None:
        """Leave the group. What was taken and not settled is reclaimed by others."""
        ...
