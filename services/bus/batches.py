"""Cuts events into the entries of the streams: one entry holds many events of one partition.

The cost of publishing is per entry, so a commit's worth of events goes out as few entries. An entry is a
CloudEvents batch: a JSON array of envelopes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from archwright.events.streams import partition_of
from services.bus.event import BusEvent, to_cloud_event

EVENTS_PER_ENTRY_MAX = 200


def entries(events: Sequence[BusEvent]) -> Iterator[tuple[int, bytes]]:
    """Yield (partition, JSON array of envelopes) for all `events`, in their order within a partition."""
    gathered: dict[int, list[BusEvent]] = {}
    for event in events:
        gathered.setdefault(partition_of(event.workflow_id), []).append(event)
    for partition, members in gathered.items():
        for start in range(0, len(members), EVENTS_PER_ENTRY_MAX):
            batch = members[start : start + EVENTS_PER_ENTRY_MAX]
            yield partition, orjson.dumps([to_cloud_event(event) for event in batch])
