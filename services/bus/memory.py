"""The bus within one process, for tests: the Redis adapter's twin, held to it by one contract suite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.bus.batches import entries
from services.bus.event import BusEvent


class MemoryPublisher:
    """Keeps what was published, by partition."""

    def __init__(self) -> None:
        self.streams: defaultdict[int, list[bytes]] = defaultdict(list)

    async def publish(self, events: Sequence[BusEvent]) -> None:
        """Keep `events`."""
        for partition, batch in entries(events):
            self.streams[partition].append(batch)

    async def aclose(self) -> None:
        """Keep everything: there is nothing to let go of."""
