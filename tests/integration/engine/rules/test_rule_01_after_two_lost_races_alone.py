"""Rule 1, its second half: a workflow that others keep overtaking is handled by itself, with its row held."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from one_replica import replica_on

from archwright import ids
from services.engine.domain.commands import SignalWorkflow
from services.engine.ports.commands import Asked
from services.engine.ports.keys import Key
from services.engine.ports.store import Compose, Entry, Written


class OvertakenStore:
    """A way to the store on which somebody else is always faster, as long as nothing keeps them away."""

    def __init__(self, storage: Any, faster: Any) -> None:
        self._storage = storage
        self._faster = faster
        self.overtaken = 0
        self.alone = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage.store, name)

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        for entry in entries:
            await self._overtake(entry.key)
        written: Sequence[Written] = await self._storage.store.commit(batch_id, entries)
        return written

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        self.alone += 1
        written: Written | None = await self._storage.store.commit_alone(batch_id, key, compose)
        return written

    async def _overtake(self, key: Key) -> None:
        self.overtaken += 1
        stored = await self._faster.load(key)
        await self._faster.commit(self._faster.signalling(stored, f"faster {self.overtaken}"))


async def test_after_two_lost_races_all_that_waits_for_a_workflow_is_one_commit_that_nobody_overtakes(
    storage: Any, other_storage: Any
) -> None:
    stored = await storage.start()
    store = OvertakenStore(storage, other_storage)
    replica = replica_on(storage, store)
    asked = [Asked(stored.key, SignalWorkflow(storage.now(), "go", n, "ann", f"mine {n}")) for n in range(3)]

    async with asyncio.TaskGroup() as group:
        await replica.commit_all(*[group.create_task(replica.committer.submit(each)) for each in asked])

    assert (store.overtaken, store.alone) == (2, 1)
    after = await storage.load(stored.key)
    assert after.version == stored.version + store.overtaken + 1
    assert set(after.workflow.requests) >= {"mine 0", "mine 1", "mine 2", "faster 1", "faster 2"}


async def test_whoever_comes_while_a_workflow_is_held_loses_and_whoever_wants_it_alone_waits(
    storage: Any, other_storage: Any
) -> None:
    stored = await storage.start()
    order: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def first(current: Any) -> Entry:
        begun.set()
        await go_on.wait()
        order.append("first")
        entry: Entry = storage.signalling(current, "first")
        return entry

    async def second(current: Any) -> Entry:
        order.append("second")
        entry: Entry = storage.signalling(current, "second")
        return entry

    async with asyncio.TaskGroup() as group:
        holding = group.create_task(storage.store.commit_alone(ids.new_uuid(), stored.key, first))
        await begun.wait()
        [meanwhile] = await other_storage.commit(other_storage.signalling(stored, "meanwhile"))
        waiting = group.create_task(other_storage.store.commit_alone(ids.new_uuid(), stored.key, second))
        go_on.set()

    assert meanwhile.verdict == "lost"
    assert [holding.result().verdict, waiting.result().verdict] == ["won", "won"]
    assert order == ["first", "second"]
    assert (await storage.load(stored.key)).version == stored.version + 2
