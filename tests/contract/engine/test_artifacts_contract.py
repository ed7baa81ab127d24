"""Which files there are, and their versions: in PostgreSQL and in memory."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from storages import OTHER_TENANT, TENANT, MemoryStorage, PostgresStorage, Storage

from archwright import ids
from services.engine.domain.effects import NewArtifact
from services.engine.ports.artifacts import Artifacts, BeingRemoved, Total
from services.engine.ports.keys import Key
from services.engine.storage.artifacts import PostgresArtifacts
from services.engine.storage.memory.artifacts import MemoryArtifacts


@pytest.fixture
async def artifacts(storage: Storage, database: Any) -> AsyncIterator[Artifacts]:
    match storage:
        case MemoryStorage():
            yield MemoryArtifacts(storage.tables)
        case PostgresStorage():
            yield PostgresArtifacts(storage.database)
            owner = await asyncpg.connect(database.owner_dsn)
            await owner.execute(
                "TRUNCATE engine.artifact_references, engine.artifacts, engine.artifact_contents CASCADE"
            )
            await owner.close()
        case _:
            raise AssertionError(storage)


async def keep(storage: Storage, content: bytes, tenant: str = TENANT) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    await storage.keep_file(tenant, sha256, content)
    return sha256


async def name(storage: Storage, key: Key, *named: tuple[str, bytes]) -> None:
    """Commit that the workflow has made these files, in this order."""
    made = [
        NewArtifact(each, await keep(storage, content), ids.show("task", ids.new_uuid())) for each, content in named
    ]
    entry = storage.signalling(await storage.load(key), ids.new_uuid().hex)
    [written] = await storage.commit(replace(entry, effects=replace(entry.effects, artifacts=tuple(made))))
    assert written.verdict == "won"


async def test_other_content_under_a_name_is_its_next_version(storage: Storage, artifacts: Artifacts) -> None:
    key = (await storage.start(plan="signalled")).key
    for content in (b"first", b"second", b"third"):
        await name(storage, key, ("plan.txt", content))

    newest = await artifacts.find(key, "plan.txt")
    second = await artifacts.find(key, "plan.txt", 2)
    assert newest is not None
    assert second is not None
    assert (newest.version, newest.sha256, newest.size_bytes) == (3, hashlib.sha256(b"third").hexdigest(), 5)
    assert (second.version, second.sha256) == (2, hashlib.sha256(b"second").hexdigest())
    assert await artifacts.find(key, "plan.txt", 4) is None


async def test_the_same_content_again_is_no_new_version(storage: Storage, artifacts: Artifacts) -> None:
    key = (await storage.start(plan="signalled")).key
    for content in (b"first", b"first", b"second", b"first"):
        await name(storage, key, ("plan.txt", content))

    assert [each.version for each in await artifacts.list(key, all_versions=True)] == [3, 2, 1]


async def test_one_commit_may_make_several_versions(storage: Storage, artifacts: Artifacts) -> None:
    key = (await storage.start(plan="signalled")).key
    await name(storage, key, ("a", b"1"))
    await name(storage, key, ("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"2"), ("a", b"3"))

    listed = [(each.name, each.version, each.sha256) for each in await artifacts.list(key, all_versions=True)]
    hashes = [hashlib.sha256(content).hexdigest() for content in (b"1", b"2", b"3")]
    assert listed == [("a", 3, hashes[2]), ("a", 2, hashes[1]), ("a", 1, hashes[0]), ("b", 1, hashes[0])]


async def test_a_list_shows_the_newest_of_each_name_in_order(storage: Storage, artifacts: Artifacts) -> None:
    key = (await storage.start(plan="signalled")).key
    await name(storage, key, ("ä b.txt", b"1"), ("Z", b"1"), ("a", b"1"))
    await name(storage, key, ("a", b"2"))

    listed = await artifacts.list(key)
    assert [(each.name, each.version) for each in listed] == [("Z", 1), ("a", 2), ("ä b.txt", 1)]


async def test_workflows_have_their_own_files(storage: Storage, artifacts: Artifacts) -> None:
    mine, other = [(await storage.start(plan="signalled")).key for _ in range(2)]
    await name(storage, mine, ("a", b"1"))

    assert await artifacts.list(other) == []
    assert await artifacts.find(other, "a") is None
    assert await artifacts.total(other) == Total(0, 0)


async def test_versions_and_what_is_to_be_added_count(storage: Storage, artifacts: Artifacts) -> None:
    key = (await storage.start(plan="signalled")).key
    await name(storage, key, ("a", b"1"))
    await name(storage, key, ("a", b"22"))
    adding = await keep(storage, b"333")

    assert await artifacts.total(key) == Total(2, 3)
    assert await artifacts.total(key, {adding}) == Total(3, 6)


async def test_what_is_arriving_is_not_there_yet(storage: Storage, artifacts: Artifacts) -> None:
    sha256 = hashlib.sha256(b"arriving").hexdigest()

    await artifacts.expect(TENANT, sha256)
    assert await artifacts.missing(TENANT, {sha256}) == {sha256}

    await artifacts.keep(TENANT, sha256, "text/plain", 8)
    assert await artifacts.missing(TENANT, {sha256}) == set()
    assert await artifacts.missing(OTHER_TENANT, {sha256}) == {sha256}


async def test_what_arrives_again_stays_there_meanwhile(storage: Storage, artifacts: Artifacts) -> None:
    sha256 = await keep(storage, b"again")

    await artifacts.expect(TENANT, sha256)

    assert await artifacts.missing(TENANT, {sha256}) == set()


async def test_what_is_being_removed_is_sent_again_later(storage: Storage, artifacts: Artifacts, database: Any) -> None:
    sha256 = await keep(storage, b"old")
    await mark_as_removing(storage, sha256, database)

    with pytest.raises(BeingRemoved, match="send it again"):
        await artifacts.expect(TENANT, sha256)
    with pytest.raises(BeingRemoved):
        await artifacts.keep(TENANT, sha256, "text/plain", 3)
    assert await artifacts.missing(TENANT, {sha256}) == {sha256}


async def mark_as_removing(storage: Storage, sha256: str, database: Any) -> None:
    if isinstance(storage, MemoryStorage):
        file = storage.tables.files[TENANT, sha256]
        storage.tables.files[TENANT, sha256] = file.__class__(
            file.media_type, file.size_bytes, file.touched_at, "removing"
        )
        return
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("UPDATE engine.artifacts SET stage = 'removing' WHERE sha256 = $1", bytes.fromhex(sha256))
    await owner.close()
