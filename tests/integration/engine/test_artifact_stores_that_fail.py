"""What becomes of content when its place fails: a clear error that says who must act, and never half a file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import BUCKET, KEY, SECRET, S3Server
from storages import TENANT, in_pieces

from archwright.errors import ArtifactDamaged, DependencyUnavailable
from services.engine.ports.contents import Contents
from services.engine.settings import EngineSettings
from services.engine.storage.contents.chosen import chosen
from services.engine.storage.database import Database

MIB = 1 << 20
CONTENT = b"0123456789abcdef" * (12 * MIB // 16)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def contents_of(**settings: Any) -> Contents:
    given: dict[str, Any] = {"postgres_dsn": NOWHERE, "jwks_file": Path("keys.json"), **settings}
    return chosen(EngineSettings(**given), Database(NOWHERE, pool_max=6))


def on(server: S3Server, **settings: Any) -> Contents:
    given = {
        "artifact_store": f"s3://{BUCKET}/below",
        "artifact_s3_endpoint": server.endpoint,
        "artifact_s3_access_key_id": KEY,
        "artifact_s3_secret_access_key": SECRET,
    }
    return contents_of(**given | settings)


async def take(pieces: AsyncIterator[bytes], had: list[bytes]) -> None:
    async for piece in pieces:
        had.append(piece)  # noqa: PERF401 -- what came before a fault is to be had


async def got(contents: Contents) -> bytes:
    had: list[bytes] = []
    await take(contents.get(TENANT, SHA256), had)
    return b"".join(had)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[S3Server]:
    server = S3Server(tmp_path / "served")
    await server.start()
    yield server
    await server.kill()


async def test_a_server_that_dies_during_an_upload_is_told_and_the_upload_can_be_repeated(server: S3Server) -> None:
    contents = on(server)

    async def pieces() -> AsyncIterator[bytes]:
        sent = 0
        async for piece in in_pieces(CONTENT):
            yield piece
            sent += len(piece)
            if sent == 7 * MIB:
                await server.kill()

    with pytest.raises(DependencyUnavailable, match="ARCHWRIGHT_ARTIFACT_STORE") as told:
        await contents.put(TENANT, SHA256, pieces())
    assert told.value.retry_after_seconds

    await server.start()
    assert not await contents.exists(TENANT, SHA256)
    assert await contents.put(TENANT, SHA256, in_pieces(CONTENT)) == len(CONTENT)
    assert await got(contents) == CONTENT


async def test_a_server_that_dies_during_a_download_is_told_and_the_whole_is_not_had(server: S3Server) -> None:
    contents = on(server)
    # More than what the sockets between us hold.
    await contents.put(TENANT, SHA256, in_pieces(CONTENT))
    pieces = contents.get(TENANT, SHA256)
    had = [await anext(pieces)]

    await server.kill()

    with pytest.raises(DependencyUnavailable):
        await take(pieces, had)
    assert sum(map(len, had)) < len(CONTENT)


async def test_a_server_that_is_not_there_is_told(server: S3Server) -> None:
    contents = on(server)
    await server.kill()

    for asked in (contents.exists(TENANT, SHA256), contents.delete(TENANT, SHA256), got(contents)):
        with pytest.raises(DependencyUnavailable):
            await asked


async def test_wrong_credentials_and_no_bucket_are_told(server: S3Server) -> None:
    for contents in (on(server, artifact_s3_secret_access_key="wrong"), on(server, artifact_store="s3://nothing")):
        with pytest.raises(DependencyUnavailable, match="credentials"):
            await contents.put(TENANT, SHA256, in_pieces(CONTENT))
        with pytest.raises(DependencyUnavailable):
            await got(contents)


@pytest.fixture(params=["folder", "s3"])
async def kept(request: pytest.FixtureRequest, server: S3Server, tmp_path: Path) -> tuple[Contents, Path]:
    """Content in a place, and the file of the disk that holds it."""
    if request.param == "s3":
        contents, folder = on(server), server.folder / BUCKET / "below"
    else:
        folder = tmp_path / "files"
        contents = contents_of(artifact_store=f"file://{folder}")
    await contents.put(TENANT, SHA256, in_pieces(CONTENT))
    return contents, folder / TENANT / SHA256


async def test_content_that_was_changed_is_never_had_as_a_whole(kept: tuple[Contents, Path]) -> None:
    contents, file = kept
    for changed in (CONTENT[:-1] + b"X", b"X" + CONTENT[1:], CONTENT[:-1], CONTENT + b"X", b""):
        file.write_bytes(changed)
        had: list[bytes] = []
        with pytest.raises((ArtifactDamaged, DependencyUnavailable)):
            await take(contents.get(TENANT, SHA256), had)
        assert sum(map(len, had)) < len(changed) or not changed

    await contents.put(TENANT, SHA256, in_pieces(CONTENT))
    assert await got(contents) == CONTENT


async def test_content_that_was_deleted_is_told_as_lost(kept: tuple[Contents, Path]) -> None:
    contents, file = kept
    file.unlink()

    with pytest.raises((ArtifactDamaged, DependencyUnavailable), match=r"is gone|artifact store"):
        await got(contents)


async def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    contents = contents_of(artifact_store=f"file://{tmp_path}/files")
    (tmp_path / "files" / TENANT).write_text("in the way of the tenant's folder")

    with pytest.raises(DependencyUnavailable, match="space"):
        await contents.put(TENANT, SHA256, in_pieces(CONTENT))
    with pytest.raises(DependencyUnavailable):
        await contents.put(TENANT, hashlib.sha256(b"x").hexdigest(), in_pieces(b"x"))


async def test_half_uploads_leave_no_files_in_a_folder(tmp_path: Path) -> None:
    contents = contents_of(artifact_store=f"file://{tmp_path}/files")
    begun = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        async for piece in in_pieces(CONTENT[: 11 * MIB]):
            yield piece
        begun.set()
        await asyncio.Event().wait()

    async def breaks_off() -> AsyncIterator[bytes]:
        async for piece in in_pieces(CONTENT[: 11 * MIB]):
            yield piece
        raise RuntimeError("the agent has gone")

    with pytest.raises(RuntimeError, match="has gone"):
        await contents.put(TENANT, SHA256, breaks_off())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    async with asyncio.TaskGroup() as group:
        putting = group.create_task(contents.put(TENANT, SHA256, stalls()))
        await begun.wait()
        putting.cancel()
    assert not await contents.exists(TENANT, SHA256)
