"""Hot copies on a real Valkey: only we can read them, an untrue one does not count, a lost one costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from storages import OTHER_TENANT, SOURCES, TENANT, MemoryStorage, PostgresStorage, entry_of

from archwright import ids
from archwright.errors import DependencyUnavailable
from services.bus.redis import writer
from services.chassis.clock import ManualClock, SystemClock
from services.engine.domain.commands import PauseWorkflow
from services.engine.hot_store import HotStore
from services.engine.ports.keys import Key
from services.engine.ports.store import Stored
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.database import Database
from services.engine.storage.hot_copies import REST_SECONDS, RedisHotCopies
from services.engine.storage.plans import PLANS

SECRET = b"k" * 32
OTHER_SECRET = b"o" * 32


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    dsn: str = database.dsn("archwright_engine")
    first = Database(dsn, pool_max=2)
    for tenant in (TENANT, OTHER_TENANT):
        for source in SOURCES:
            await Catalogue(first).publish(tenant, source, "ann", MemoryStorage().audit_row())
    await first.close()
    return dsn


@pytest.fixture
async def storage(engine_dsn: str, database: Any) -> AsyncIterator[PostgresStorage]:
    found = PostgresStorage(engine_dsn, database.owner_dsn)
    yield found
    await found.close()


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    client = writer(valkey)
    yield client
    await client.aclose()


@pytest.fixture
def copies(redis: Redis, storage: PostgresStorage) -> RedisHotCopies:
    return RedisHotCopies(redis, SECRET, Catalogue(storage.database), SystemClock())


async def test_a_copy_is_what_was_copied(copies: RedisHotCopies, storage: PostgresStorage) -> None:
    stored = await storage.start()

    await copies.write([stored])

    assert same(await copies.read([stored.key]), stored)


async def test_a_copy_is_read_without_a_question_to_postgresql_when_its_definition_is_known(
    redis: Redis, copies: RedisHotCopies, storage: PostgresStorage
) -> None:
    stored = await storage.start()
    await copies.write([stored])
    PLANS.keep(stored.plan.content_hash, stored.plan)
    nobody_to_ask: Any = None

    found = await RedisHotCopies(redis, SECRET, nobody_to_ask, SystemClock()).read([stored.key])

    assert same(found, stored)


async def test_nothing_of_it_can_be_read_in_redis(
    copies: RedisHotCopies, storage: PostgresStorage, redis: Redis
) -> None:
    stored = await storage.start()

    await copies.write([stored])

    [name] = await redis.keys("*")
    kept = await redis.hgetall(name)
    assert b"tea" in str(stored.known.input).encode()
    assert all(word not in b"".join(kept.values()) for word in (b"tea", b"draft", b"chain", b"ann"))
    assert TENANT.encode() in name
    assert 0 < await redis.ttl(name) <= 3600


async def test_a_tampered_copy_counts_as_missing(
    copies: RedisHotCopies, storage: PostgresStorage, redis: Redis
) -> None:
    stored = await storage.start()
    await copies.write([stored])
    [name] = await redis.keys("*")
    copy = bytearray(await redis.hget(name, "copy"))
    copy[-1] ^= 1

    await redis.hset(name, "copy", bytes(copy))

    assert await copies.read([stored.key]) == {}


async def test_a_copy_that_is_moved_to_another_tenant_counts_as_missing(
    copies: RedisHotCopies, storage: PostgresStorage, redis: Redis
) -> None:
    stored = await storage.start()
    await copies.write([stored])
    [name] = await redis.keys("*")
    theirs = Key(OTHER_TENANT, stored.key.workflow_id)

    await redis.hset(name.replace(TENANT.encode(), OTHER_TENANT.encode()), mapping=await redis.hgetall(name))

    assert await copies.read([theirs]) == {}


async def test_a_copy_under_another_key_counts_as_missing(
    copies: RedisHotCopies, storage: PostgresStorage, redis: Redis
) -> None:
    stored = await storage.start()
    await copies.write([stored])

    others = RedisHotCopies(redis, OTHER_SECRET, Catalogue(storage.database), SystemClock())

    assert await others.read([stored.key]) == {}


async def test_an_older_version_never_overwrites_a_newer(copies: RedisHotCopies, storage: PostgresStorage) -> None:
    older = await storage.start()
    newer = replace(older, version=older.version + 1)
    await copies.write([newer])

    await copies.write([older])

    assert (await copies.read([older.key]))[older.key].version == newer.version


async def test_a_copy_that_is_behind_costs_a_lost_race_and_no_more(
    copies: RedisHotCopies, storage: PostgresStorage
) -> None:
    behind = await storage.start()
    await copies.write([behind])
    [written] = await storage.commit(pausing(storage, behind))
    assert written.verdict == "won"
    hot = HotStore(storage.store, copies)

    remembered = (await hot.load([behind.key]))[behind.key]
    [lost] = await hot.commit(ids.new_uuid(), [pausing(storage, remembered)])

    assert lost.verdict == "lost"
    assert (await hot.load([behind.key]))[behind.key].version == behind.version + 1


async def test_what_was_flushed_is_read_from_postgres(
    copies: RedisHotCopies, storage: PostgresStorage, redis: Redis
) -> None:
    stored = await storage.start()
    await copies.write([stored])

    await redis.flushall()

    assert same(await HotStore(storage.store, copies).load([stored.key]), stored)


async def test_without_redis_everything_is_read_from_postgres(storage: PostgresStorage) -> None:
    nowhere = writer("unix:///nowhere/socket")
    copies = RedisHotCopies(nowhere, SECRET, Catalogue(storage.database), SystemClock())
    stored = await storage.start()

    assert same(await HotStore(storage.store, copies).load([stored.key]), stored)
    with pytest.raises(DependencyUnavailable, match="Redis did not take 1 hot copies"):
        await copies.write([stored])
    await nowhere.aclose()


async def test_a_redis_that_is_frozen_is_waited_for_once_and_then_let_be(storage: PostgresStorage) -> None:
    asked = 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    clock = ManualClock()
    stored = await storage.start()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        frozen = writer(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        copies = RedisHotCopies(frozen, SECRET, Catalogue(storage.database), clock)

        for _ in range(3):
            assert same(await HotStore(storage.store, copies).load([stored.key]), stored)
        assert asked == 1
        await clock.wind(REST_SECONDS)
        assert await copies.read([stored.key]) == {}
        assert asked == 2
        await frozen.aclose()


def same(found: Any, stored: Stored) -> bool:
    read = found[stored.key]
    assert read.workflow == stored.workflow
    assert (read.version, read.head_hash) == (stored.version, stored.head_hash)
    assert read.known.input == stored.known.input
    return True


def pausing(storage: PostgresStorage, stored: Stored) -> Any:
    return entry_of(stored, PauseWorkflow(storage.now(), "ann", "", "r"))
