"""What the engine asks of the bus: to tell what happened, and to be told how far the groups have come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from archwright.events.entries import Received
from archwright.events.streams import PARTITIONS, partition_of, stream_of
from archwright.events.subscription import GivenUp, TryLater
from services.bus.event import BusEvent

__all__ = [
    "PARTITIONS",
    "Publisher",
    "PutAway",
    "Standing",
    "Survey",
    "Tail",
    "TryLater",
    "Upkeep",
    "partition_of",
    "stream_of",
]


class Publisher(Protocol):
    """Tells the bus what happened."""

    async def publish(self, events: Sequence[BusEvent]) -> None:
        """Publish `events`, keeping the order of those of one workflow.

        Raises DependencyUnavailable within 2 seconds when the bus does not answer. Some of the events may have
        been published then; publishing all of them again is right, and subscribers drop what they have seen.
        """

    async def aclose(self) -> None:
        """Let go of the connection."""


class Tail(Protocol):
    """Follows the bus from now on."""

    async def read(self) -> Sequence[Received]:
        """Return what was published since the last call, the first time from now on; wait a little for something.

        Raises DependencyUnavailable when the bus does not answer; what is published until it does is missed.
        """
        ...

    def rest(self) -> None:
        """Begin anew with the next call: what is published meanwhile is of no interest."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a group has come."""

    group: str
    behind_seconds: float
    """How long ago the oldest entry was published that it has not settled; 0 when there is none."""
    pending: int
    """How many entries its receivers have under way."""
    waiting: int
    """How many entries nobody of it has taken yet."""
    is_whole: bool
    """Whether the group is there in every partition."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How far all groups have come, at one moment."""

    standings: Sequence[Standing]
    is_intact: bool
    """Whether every stream still bears our mark: one that does not was lost, and perhaps made anew since."""
    trimmable: Sequence[str]
    """For each partition the number of the entry below which nobody needs anything; empty where nothing may go."""


@dataclass(frozen=True, slots=True)
class PutAway:
    """What a group has given up, and where it lies until somebody takes it."""

    partition: int
    number: str
    group: str
    given_up: GivenUp


class Upkeep(Protocol):
    """What keeps the bus in order. Everything raises DependencyUnavailable when it does not answer."""

    async def life(self) -> str:
        """Return what is the same for as long as the bus has lost nothing; another text means that it may have."""
        ...

    async def survey(self, *, keep_seconds: float) -> Survey:
        """Return how far the groups have come. What is younger than `keep_seconds` counts as needed."""
        ...

    async def trim(self, survey: Survey) -> None:
        """Drop what nobody needed at the time of the survey."""
        ...

    async def mark(self) -> None:
        """Mark every stream, so that one that is lost is missed even if somebody makes it anew."""
        ...

    async def restore(self, group: str) -> None:
        """Make a group where it is missing, to begin with the oldest entry there is."""
        ...

    async def forget(self, group: str) -> None:
        """Remove a group and what it has noted."""
        ...

    async def put_away(self, limit: int) -> Sequence[PutAway]:
        """Return what groups have given up, the oldest of each partition first."""
        ...

    async def taken(self, letters: Collection[PutAway]) -> None:
        """Drop what somebody has taken."""
        ...

    async def redeliver(self, group: str, workflow_id: str, envelope: bytes) -> None:
        """Publish one event again, for one group alone."""
        ...
