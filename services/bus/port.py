"""What the engine asks of the bus, and how events are spread over partitions.

A workflow's events all go to one partition, so one subscriber sees all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Protocol

from services.bus.event import BusEvent

PARTITIONS = 16
"""Fixed for the life of a deployment: changing it would move workflows between subscribers."""


class TryLater(Exception):
    """An event cannot be dealt with now; told by whoever receives it, with a pause of its own choosing."""

    def __init__(self, message: str, *, after_seconds: float) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class Publisher(Protocol):
    """Tells the bus what happened."""

    async def publish(self, events: Sequence[BusEvent]) -> None:
        """Publish `events`, keeping the order of those of one workflow.

        Raises DependencyUnavailable within 2 seconds when the bus does not answer. Some of the events may have
        been published then; publishing all of them again is right, and subscribers drop what they have seen.
        """

    async def aclose(self) -> None:
        """Let go of the connection."""


def partition_of(workflow_id: str) -> int:
    """Return the partition that holds all events of this workflow."""
    return zlib.crc32(workflow_id.encode()) % PARTITIONS


def stream_of(partition: int) -> str:
    """Return the name of the partition's stream.

    The braces are part of it: they keep a partition's stream and whatever belongs to it in one Redis Cluster slot.
    """
    return f"archwright:events:{{{partition}}}"
