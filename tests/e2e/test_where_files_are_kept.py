"""Files in the database, a folder and a bucket, from an agent to a download; and large ones only pass through."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from players import ended, players
from s3_server import BUCKET, KEY, SECRET, S3Server
from small_mesh import SmallMesh, small_mesh

from archwright import Task
from archwright.payloads import Json

SOURCE = "name: filing\nsteps: [{name: write, agent: clerk, input: {bytes: '${bytes}', count: '${count}'}}]"
MEGABYTE = 1 << 20
GROWTH_BYTES_MAX = 150 * MEGABYTE
"""Far less than the files below together: an engine that holds them whole would need more."""


@pytest.fixture(scope="module", params=["database", "folder", "bucket"])
async def mesh(
    request: pytest.FixtureRequest, database: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SmallMesh]:
    """A mesh, and the folder in which the content of its files ends up."""
    kept = tmp_path_factory.mktemp("files") / "store"
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    server, store = None, dict[str, str]()
    if request.param == "folder":
        kept.mkdir()
        store = {"ARCHWRIGHT_ARTIFACT_STORE": kept.as_uri()}
    elif request.param == "bucket":
        server = S3Server(kept)
        await server.start()
        store = {
            "ARCHWRIGHT_ARTIFACT_STORE": f"s3://{BUCKET}/archwright",
            "ARCHWRIGHT_ARTIFACT_S3_ENDPOINT": server.endpoint,
            "ARCHWRIGHT_ARTIFACT_S3_ACCESS_KEY_ID": KEY,
            "ARCHWRIGHT_ARTIFACT_S3_SECRET_ACCESS_KEY": SECRET,
        }
    async with small_mesh(tmp_path_factory.mktemp("mesh"), database.owner_dsn, dsn_of, **store) as found:
        async with found.client() as client:
            await client.definitions.publish(SOURCE)
        found.services["KEPT"] = str(kept) if store else ""
        yield found
    if server is not None:
        await server.kill()


def content(number: int, size_bytes: int) -> bytes:
    """Return bytes that are others for every number."""
    return hashlib.shake_128(str(number).encode()).digest(size_bytes)


async def write(task: Task) -> Json:
    for number in range(int(task.input["count"])):
        await task.put_artifact(f"files/{number}.bin", content(number, int(task.input["bytes"])))
    return {}


async def test_files_come_back_as_they_were_and_lie_where_the_operator_said(mesh: SmallMesh) -> None:
    async with players(mesh) as cast, mesh.client() as client:
        await cast.add("clerk", write)
        workflow_id = (await client.start("filing", {"bytes": 1_000, "count": 3})).workflow_id
        await ended(client, workflow_id)

        for number in range(3):
            assert await client.download(workflow_id, f"files/{number}.bin") == content(number, 1_000)
    if folder := mesh.services["KEPT"]:
        kept = {file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}
        assert {content(number, 1_000) for number in range(3)} <= kept


async def test_large_files_pass_through_the_engine_and_do_not_stay_in_its_memory(mesh: SmallMesh) -> None:
    async with players(mesh) as cast, mesh.client() as client:
        await cast.add("clerk", write)
        assert mesh.engine.process is not None
        before = most_memory(mesh.engine.process.pid)

        workflow_id = (await client.start("filing", {"bytes": 30 * MEGABYTE, "count": 8})).workflow_id
        await ended(client, workflow_id)
        for number in range(8):
            found = await client.download(workflow_id, f"files/{number}.bin")
            assert hashlib.sha256(found).digest() == hashlib.sha256(content(number, 30 * MEGABYTE)).digest()

        grown = most_memory(mesh.engine.process.pid) - before
    assert grown < GROWTH_BYTES_MAX, f"the engine grew by {grown // MEGABYTE} MB"


def most_memory(pid: int) -> int:
    """Return how much memory a process has had at most, in bytes."""
    [line] = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
