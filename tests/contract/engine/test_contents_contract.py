"""What every place for content promises: in PostgreSQL, in a folder, on a server that speaks S3, in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import BUCKET, KEY, SECRET, S3Server
from storages import OTHER_TENANT, TENANT, in_pieces

from archwright.errors import ArtifactDamaged, DependencyUnavailable, RequestInvalid
from services.chassis.clock import ManualClock
from services.engine.ports.contents import Contents
from services.engine.settings import EngineSettings
from services.engine.storage.contents.chosen import chosen
from services.engine.storage.database import Database
from services.engine.storage.memory.contents import MemoryContents
from services.engine.storage.memory.tables import Tables

MIB = 1 << 20


@pytest.fixture(scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3") / "served")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture(params=["postgresql", "folder", "s3", "memory"])
async def contents(
    request: pytest.FixtureRequest, engine_dsn: str, s3: S3Server, tmp_path: Path
) -> AsyncIterator[Contents]:
    if request.param == "memory":
        yield MemoryContents(Tables(ManualClock()))
        return
    places: dict[str, dict[str, Any]] = {
        "postgresql": {},
        "folder": {"artifact_store": f"file://{tmp_path}/files of all"},
        "s3": {
            "artifact_store": f"s3://{BUCKET}/{tmp_path.name}/below",
            "artifact_s3_endpoint": s3.endpoint,
            "artifact_s3_access_key_id": KEY,
            "artifact_s3_secret_access_key": SECRET,
        },
    }
    settings = EngineSettings(postgres_dsn=engine_dsn, jwks_file=Path("keys.json"), **places[request.param])
    database = Database(engine_dsn, pool_max=6)
    yield chosen(settings, database)
    await database.close()


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def put(contents: Contents, content: bytes, tenant: str = TENANT, piece: int = 64 << 10) -> str:
    sha256 = sha256_of(content)
    assert await contents.put(tenant, sha256, in_pieces(content, piece)) == len(content)
    return sha256


async def got(contents: Contents, sha256: str, tenant: str = TENANT) -> bytes:
    return b"".join([piece async for piece in contents.get(tenant, sha256)])


@pytest.mark.parametrize(
    "size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 12 * MIB], ids=lambda size: f"{size:,}"
)
async def test_what_is_put_is_what_is_got(contents: Contents, size: int) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]

    assert await got(contents, await put(contents, content)) == content


async def test_the_same_content_may_be_put_twice(contents: Contents) -> None:
    sha256 = await put(contents, b"twice")

    assert await put(contents, b"twice") == sha256
    assert await got(contents, sha256) == b"twice"


async def test_the_same_content_may_be_put_by_many_at_once(contents: Contents) -> None:
    content = b"at once" * MIB

    # A server may refuse one of two that end the same upload at once; who is refused sends again.
    ends = await asyncio.gather(*(put(contents, content) for _ in range(4)), return_exceptions=True)
    assert {type(end) for end in ends} <= {str, DependencyUnavailable}
    await put(contents, content)

    assert await got(contents, sha256_of(content)) == content


async def test_tenants_do_not_see_each_others_content(contents: Contents) -> None:
    sha256 = await put(contents, b"secret")

    assert not await contents.exists(OTHER_TENANT, sha256)
    with pytest.raises(ArtifactDamaged):
        await got(contents, sha256, OTHER_TENANT)


@pytest.mark.parametrize("tenant", ["../other", "a/b", "ä ö", "a%2Fb", "..", "."])
async def test_a_tenant_of_any_name_stays_by_itself(contents: Contents, tenant: str) -> None:
    sha256 = await put(contents, tenant.encode(), tenant)

    assert await got(contents, sha256, tenant) == tenant.encode()
    assert not await contents.exists(TENANT, sha256)


async def test_content_of_another_hash_is_refused_and_nothing_is_left(contents: Contents) -> None:
    for size in (5, 12 * MIB):
        promised = sha256_of(b"something else %d" % size)
        with pytest.raises(RequestInvalid, match="Send it again"):
            await contents.put(TENANT, promised, in_pieces(b"x" * size))
        assert not await contents.exists(TENANT, promised)


async def test_who_stops_half_way_leaves_nothing(contents: Contents) -> None:
    content = b"never whole" * MIB

    async def breaks_off() -> AsyncIterator[bytes]:
        async for piece in in_pieces(content[: 8 * MIB]):
            yield piece
        raise ConnectionAbortedError("the agent has gone")

    with pytest.raises(Exception, match=r"the agent has gone|artifact store"):
        await contents.put(TENANT, sha256_of(content), breaks_off())

    assert not await contents.exists(TENANT, sha256_of(content))


async def test_a_broken_upload_leaves_what_was_there(contents: Contents) -> None:
    content = b"was here before" * MIB
    sha256 = await put(contents, content)

    with pytest.raises(RequestInvalid):
        await contents.put(TENANT, sha256, in_pieces(content[:-1]))

    assert await got(contents, sha256) == content


async def test_a_cancelled_upload_leaves_nothing(contents: Contents) -> None:
    content = b"cancelled" * MIB
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        async for piece in in_pieces(content[: 7 * MIB]):
            yield piece
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        putting = group.create_task(contents.put(TENANT, sha256_of(content), stalls()))
        await begun.wait()
        putting.cancel()

    assert not await contents.exists(TENANT, sha256_of(content))


async def test_deleted_content_is_gone_and_deleting_again_is_no_fault(contents: Contents) -> None:
    sha256 = await put(contents, b"short-lived")
    assert await contents.exists(TENANT, sha256)

    await contents.delete(TENANT, sha256)
    await contents.delete(TENANT, sha256)

    assert not await contents.exists(TENANT, sha256)
    with pytest.raises(ArtifactDamaged, match="is gone"):
        await got(contents, sha256)


async def test_slow_readers_do_not_keep_others_waiting(contents: Contents) -> None:
    content = b"slowly" * MIB
    sha256 = await put(contents, content)
    readers = [contents.get(TENANT, sha256) for _ in range(12)]
    for reader in readers:
        assert await anext(reader)

    async with asyncio.timeout(60):
        assert await got(contents, sha256) == content
