"""What every Store promises about the step cache, on PostgreSQL and in memory."""

from __future__ import annotations

from storages import OTHER_TENANT, TENANT, Storage

from services.engine.ports.store import Stored


async def cached(storage: Storage, output: object) -> str:
    """Complete a step whose output is cached; return its key."""
    stored: Stored = await storage.start(plan="thrifty")
    _, fence = await storage.claim()
    done = storage.completing(stored, fence, output)
    await storage.commit(done)
    [made] = done.effects.cached
    return made.key_sha256


async def test_an_output_is_found_under_its_key(storage: Storage) -> None:
    key = await cached(storage, {"text": "leaf"})

    assert await storage.store.cached(TENANT, [key, "00" * 32]) == {key: {"text": "leaf"}}


async def test_an_output_that_is_out_of_date_is_not_found(storage: Storage) -> None:
    key = await cached(storage, {"n": 1})
    await storage.age(99)
    assert await storage.store.cached(TENANT, [key])

    await storage.age(2)

    assert not await storage.store.cached(TENANT, [key])


async def test_another_tenants_output_is_not_found(storage: Storage) -> None:
    key = await cached(storage, {"n": 1})

    assert not await storage.store.cached(OTHER_TENANT, [key])


async def test_looking_for_nothing_finds_nothing(storage: Storage) -> None:
    assert not await storage.store.cached(TENANT, [])


async def test_a_later_output_takes_the_place_of_the_earlier(storage: Storage) -> None:
    await cached(storage, {"n": 1})
    key = await cached(storage, {"n": 2})

    assert await storage.store.cached(TENANT, [key]) == {key: {"n": 2}}
