"""Rule 19: the writer publishes at once from memory; what it left behind is found by others, but not too soon."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from one_replica import replica_on
from storages import OTHER_TENANT, TENANT

from services.bus.event import BusEvent
from services.bus.memory import MemoryBus
from services.bus.port import partition_of
from services.engine.domain.commands import PauseWorkflow
from services.engine.loops.relay import LeftBehind, Relay
from services.engine.ports.commands import Asked

LONG_ENOUGH_SECONDS, TOO_SOON_SECONDS = 2.5, 1.0


class SlowBus(MemoryBus):
    """A bus that takes its time over what is published first, once it is slow."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False
        self.under_way, self.go_on = asyncio.Event(), asyncio.Event()

    async def publish(self, events: Sequence[BusEvent]) -> None:
        if self.is_slow and not self.under_way.is_set():
            self.under_way.set()
            await self.go_on.wait()
        await super().publish(events)


async def paused(storage: Any, *listeners: Any) -> Any:
    """Commit a pause through a replica that tells these listeners; return the workflow."""
    stored = await storage.start()
    await storage.age(60)
    await storage.store.mark_published([batch_id for batch_id, _ in await storage.store.publish_due(0)])
    replica = replica_on(storage, listeners=listeners)
    await replica.ask(Asked(stored.key, PauseWorkflow(storage.now(), "ann", "", "r1")))
    return stored


async def test_the_writer_publishes_from_memory_and_leaves_nothing_for_others(storage: Any) -> None:
    bus, told = MemoryBus(), MemoryBus()
    relay = Relay(storage.store, bus, storage.clock)
    stored = await paused(storage, relay)

    await relay.step()
    await relay.step()
    await storage.age(LONG_ENOUGH_SECONDS)
    await LeftBehind(storage.store, storage.store, told).step()

    [batch] = bus.streams[partition_of(stored.key.workflow_id)]
    assert b"workflow_paused" in batch
    assert not told.streams


async def test_what_a_dead_writer_left_behind_is_published_by_another_once_and_not_at_once(
    storage: Any, other_storage: Any
) -> None:
    bus = SlowBus()
    stored = await paused(storage)
    others = LeftBehind(other_storage.store, other_storage.store, bus)

    await storage.age(TOO_SOON_SECONDS)
    await others.step()
    assert not bus.streams
    await storage.age(LONG_ENOUGH_SECONDS - TOO_SOON_SECONDS)
    async with asyncio.TaskGroup() as group:
        bus.is_slow = True
        first = group.create_task(others.step())
        await bus.under_way.wait()
        await LeftBehind(storage.store, storage.store, bus).step()
        bus.go_on.set()
        await first
    await storage.age(60)
    await others.step()

    [batch] = bus.streams[partition_of(stored.key.workflow_id)]
    assert b"workflow_paused" in batch


async def test_what_one_transaction_wrote_for_two_tenants_is_published_for_both(storage: Any) -> None:
    bus = MemoryBus()
    ours, theirs = await storage.start(), await storage.start(tenant=OTHER_TENANT)
    await storage.commit(storage.cancelling(ours), storage.cancelling(theirs))
    await storage.age(LONG_ENOUGH_SECONDS)

    await LeftBehind(storage.store, storage.store, bus).step()

    for stored in (ours, theirs):
        told = b"".join(bus.streams[partition_of(stored.key.workflow_id)])
        assert stored.key.workflow_id.encode() in told
    assert {ours.key.tenant, theirs.key.tenant} == {TENANT, OTHER_TENANT}
