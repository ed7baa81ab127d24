"""Who goes first when more waits than a commit holds: a lone call, then calls that came many at once, then reports."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from one_replica import OneReplica, replica_on
from storages import MemoryStorage

from services.engine.domain.commands import PauseWorkflow
from services.engine.ports.commands import Answer, Asked
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Written

MANY = 120


class WrittenDown:
    """A way to the store that keeps what each commit was of."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.commits: list[list[Key]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        self.commits.append([entry.key for entry in entries])
        written: Sequence[Written] = await self._store.commit(batch_id, entries)
        return written


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def store(storage: MemoryStorage) -> Any:
    return WrittenDown(storage.store)


@pytest.fixture
def replica(storage: MemoryStorage, store: Any) -> OneReplica:
    return replica_on(storage, store)


async def pauses(storage: MemoryStorage, count: int) -> list[Asked]:
    stored = [await storage.start() for _ in range(count)]
    return [Asked(each.key, PauseWorkflow(storage.now(), "ann", "", f"r{n}")) for n, each in enumerate(stored)]


async def test_a_lone_call_goes_before_calls_that_came_many_at_once(
    storage: MemoryStorage, store: Any, replica: OneReplica
) -> None:
    [lone, *many] = await pauses(storage, 1 + MANY)

    replica.committer.post(many, lambda *_: None, for_people=True)
    await replica.ask(lone)

    assert store.commits[0] == [lone.key]


async def test_calls_that_came_many_at_once_are_written_in_parts_so_that_a_lone_one_never_waits_for_all(
    storage: MemoryStorage, store: Any, replica: OneReplica
) -> None:
    answered: list[Answer | Exception] = []
    [lone, *many] = await pauses(storage, 1 + MANY)
    replica.committer.post(many, lambda _, answer: answered.append(answer), for_people=True)

    await replica.committer.step()
    await replica.ask(lone)
    while len(answered) < MANY:
        await replica.committer.step()

    first, second, *others = store.commits
    assert (second, [*first, *chain.from_iterable(others)]) == ([lone.key], [each.key for each in many])


async def test_a_call_goes_before_the_reports_of_agents_and_takes_a_few_of_them_along(
    storage: MemoryStorage, store: Any, replica: OneReplica
) -> None:
    [lone, *reports] = await pauses(storage, 1 + MANY)

    replica.committer.post(reports, lambda *_: None)
    await replica.ask(lone)

    assert store.commits[0][0] == lone.key
    assert 1 < len(store.commits[0]) < MANY


async def test_others_get_their_turn_while_a_large_batch_is_decided(
    storage: MemoryStorage, replica: OneReplica
) -> None:
    few, many = [await turns_during(replica, await pauses(storage, count)) for count in (2, 90)]

    assert many > few


async def turns_during(replica: OneReplica, asked: Sequence[Asked]) -> int:
    """Commit these, and return how often somebody else had a turn meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # noqa: TID251  gives way without waiting

    replica.committer.post(asked, lambda *_: None)
    async with asyncio.TaskGroup() as group:
        elsewhere = group.create_task(others())
        await replica.committer.step()
        elsewhere.cancel()
    return turns
