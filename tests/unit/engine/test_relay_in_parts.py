"""What was committed is published in parts, so that a flood of it holds up nobody else, and nothing is left over."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from one_replica import replica_on
from storages import MemoryStorage

from archwright import ids
from services.bus.memory import MemoryBus
from services.engine.domain.commands import PauseWorkflow
from services.engine.loops.relay import Relay
from services.engine.ports.commands import Asked, Change

COMMITS, CHANGES_EACH = 6, 60


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        self.changes.extend(changes)


async def test_a_flood_is_published_in_parts_and_whole() -> None:
    storage, bus, heard = MemoryStorage(), MemoryBus(), Heard()
    stored = await storage.start()
    pause = PauseWorkflow(storage.now(), "ann", "", "r1")
    await replica_on(storage, listeners=[heard]).ask(Asked(stored.key, pause))
    relay = Relay(storage.store, bus, storage.clock)

    for _ in range(COMMITS):
        relay.committed(ids.new_uuid(), heard.changes * CHANGES_EACH)
    published = []
    for _ in range(COMMITS):
        await relay.step()
        published.append(sum(batch.count(b"workflow_paused") for batches in bus.streams.values() for batch in batches))

    part = published[0]
    assert part > 0
    assert published == [part, 2 * part, 3 * part, 3 * part, 3 * part, 3 * part]
