"""Rule 20: a watcher is told every event once and in order, whatever becomes of the hints, and then that it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from one_replica import OneReplica, replica_on
from waiting import until

from archwright import ids
from services.engine.api.watch import Ended, Happened, Seen, Watching
from services.engine.domain.commands import CancelWorkflow, PauseWorkflow, ResumeWorkflow
from services.engine.live import Feed
from services.engine.loops.watch_gaps import WatchGaps
from services.engine.ports.commands import Asked, Change
from services.engine.ports.store import Stored


@dataclass
class Hints:
    """What the commits would tell the feed, until the test tells it: in another order, twice, or not at all."""

    waiting: list[Change] = field(default_factory=list)

    def committed(self, batch_id: UUID, changes: Sequence[Change]) -> None:
        self.waiting.extend(changes)


@dataclass
class Watched:
    """A workflow under the eyes of a watcher."""

    replica: OneReplica
    stored: Stored
    hints: Hints
    feed: Feed
    seen: list[Seen] = field(default_factory=list)

    @property
    def seqs(self) -> list[int]:
        return [seen.numbered.seq for seen in self.seen if isinstance(seen, Happened)]

    async def commit(self, times: int = 1) -> None:
        for _ in range(times):
            workflow = (await self.replica.storage.load(self.stored.key)).workflow
            move = ResumeWorkflow if workflow.status == "paused" else PauseWorkflow
            words = ("",) if move is PauseWorkflow else ()
            await self.replica.ask(Asked(self.stored.key, move(self.replica.storage.now(), "ann", *words)))

    async def cancel(self) -> None:
        command = CancelWorkflow(self.replica.storage.now(), "ann", "")
        await self.replica.ask(Asked(self.stored.key, command))

    def tell(self, *hints: Change) -> None:
        for change in hints:
            self.feed.committed(ids.new_uuid(), [change])

    async def has_seen(self, last_seq: int) -> None:
        await until(lambda: self.seqs[-1:] == [last_seq], seconds_max=5)


@asynccontextmanager
async def watching(storage: Any) -> AsyncIterator[Watched]:
    stored, hints, feed = await storage.start(), Hints(), Feed()
    watched = Watched(replica_on(storage, listeners=[hints]), stored, hints, feed)

    async def watch() -> None:
        async for seen in Watching(storage.store, feed, watched.replica.memory).follow(stored.key, 0):
            watched.seen.append(seen)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await watched.has_seen(stored.workflow.last_seq)
        yield watched
        # Whatever the test did to the hints, the watcher hears of the end.
        await watched.cancel()
        await WatchGaps(storage.store, feed).step()
    last_seq = (await storage.load(stored.key)).workflow.last_seq
    assert watched.seqs == list(range(1, last_seq + 1))
    assert isinstance(watched.seen[-1], Ended)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0), (2, 1, 0), (0, 0, 2, 1, 1)])
async def test_hints_that_come_out_of_order_or_twice(storage: Any, order: tuple[int, ...]) -> None:
    async with watching(storage) as watched:
        await watched.commit(3)

        watched.tell(*[watched.hints.waiting[place] for place in order])

        await watched.has_seen(watched.stored.workflow.last_seq + 3)


async def test_hints_of_what_is_committed_while_history_is_read(storage: Any) -> None:
    async with watching(storage) as watched:
        await watched.commit(2)
        watched.tell(watched.hints.waiting[1])
        await watched.commit()
        watched.tell(watched.hints.waiting[2], watched.hints.waiting[0])

        await watched.has_seen(watched.stored.workflow.last_seq + 3)


async def test_hints_that_are_lost(storage: Any) -> None:
    async with watching(storage) as watched:
        await watched.commit(2)

        await WatchGaps(storage.store, watched.feed).step()

        await watched.has_seen(watched.stored.workflow.last_seq + 2)


async def test_more_hints_than_the_buffer_holds(storage: Any) -> None:
    async with watching(storage) as watched:
        await watched.commit(3)

        # All at once, so that the watcher cannot take any meanwhile.
        watched.tell(*watched.hints.waiting[2:], *watched.hints.waiting[:2] * 200)

        await WatchGaps(storage.store, watched.feed).step()
        await watched.has_seen(watched.stored.workflow.last_seq + 3)


async def test_who_waits_for_the_end_hears_of_one_that_this_replica_was_not_told_of(
    storage: Any, other_storage: Any
) -> None:
    stored, feed, ended = await storage.start(), Feed(), list[Any]()
    here, elsewhere = replica_on(storage), replica_on(other_storage)
    here.memory.keep(stored)

    async def wait() -> None:
        ended.extend([seen async for seen in Watching(storage.store, feed, here.memory).end_of(stored.key)])

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(wait())
        await elsewhere.ask(Asked(stored.key, CancelWorkflow(storage.now(), "ann", "")))
        assert not waiting.done()
        await WatchGaps(storage.store, feed).step()

    assert [type(seen) for seen in ended] == [Ended]
