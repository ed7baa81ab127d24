"""What every Breakers promises, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from storages import OTHER_TENANT, TENANT, Storage

from services.engine.domain.breaker import Breaker, BreakerState
from services.engine.ports.breakers import BreakerKey, KeptBreaker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = BreakerKey(TENANT, "writer")
CLOSED = Breaker(NOON, calls=7, failures=2)
OPEN = Breaker(NOON, BreakerState.OPEN, failures=5)


async def test_a_breaker_comes_back_as_it_was_written(storage: Storage) -> None:
    assert await storage.breakers.replace(KEY, 0, CLOSED)

    assert await storage.breakers.all() == {KEY: KeptBreaker(CLOSED, 1)}


async def test_only_who_names_its_version_changes_it(storage: Storage) -> None:
    await storage.breakers.replace(KEY, 0, CLOSED)

    assert not await storage.breakers.replace(KEY, 0, OPEN)
    assert not await storage.breakers.replace(KEY, 2, OPEN)
    assert await storage.breakers.replace(KEY, 1, OPEN)
    assert not await storage.breakers.replace(BreakerKey(OTHER_TENANT, "writer"), 1, OPEN)

    assert await storage.breakers.all() == {KEY: KeptBreaker(OPEN, 2)}


async def test_of_many_who_change_it_at_once_one_wins(storage: Storage) -> None:
    for version in (0, 1):
        won = await asyncio.gather(*(storage.breakers.replace(KEY, version, OPEN) for _ in range(5)))
        assert sorted(won) == [False] * 4 + [True]


async def test_a_person_resets_it_whatever_it_was_and_that_is_written_down(storage: Storage) -> None:
    before = await storage.audit_count(TENANT)
    await storage.breakers.reset(KEY, CLOSED, storage.audit_row())
    await storage.breakers.replace(KEY, 1, OPEN)

    await storage.breakers.reset(KEY, CLOSED, storage.audit_row())

    assert await storage.breakers.all() == {KEY: KeptBreaker(CLOSED, 3)}
    assert await storage.audit_count(TENANT) == before + 2
