"""An agent works at one replica, and whoever watches at the other sees as much of it as anybody."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from players import players
from small_mesh import SmallMesh, small_mesh

from archwright import Client, Task, pacing
from archwright.client.watch import Update
from archwright.engine.v1.workflows_pb2 import TaskChunk, TaskProgress, TaskReset, WatchEnded
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.payloads import Json
from archwright.sdk.errors import Transient

SOURCE = """
name: novel
steps:
  - {name: draft, agent: writer, input: {}, retry_policy: {max_attempts: 3, base_delay_seconds: 0.01, jitter: false}}
"""


@pytest.fixture(scope="module")
async def mesh(database: Any, valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    folder = tmp_path_factory.mktemp("mesh")
    (folder / "hot.key").write_bytes(os.urandom(32))
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    settings = {"ARCHWRIGHT_REDIS_URL": valkey_server, "ARCHWRIGHT_HOT_COPY_KEY_FILE": str(folder / "hot.key")}
    async with small_mesh(folder, database.owner_dsn, dsn_of, replicas=2, **settings) as found:
        yield found


async def test_progress_pieces_and_facts_cross_replicas_and_a_new_attempt_resets_them(mesh: SmallMesh) -> None:
    here, there = mesh.engines
    heard = asyncio.Event()

    async def write(task: Task) -> Json:
        # Said until somebody hears it: the lane is not kept for those who come later.
        while not heard.is_set():
            await task.progress(40, "thinking")
            await task.chunk(f"attempt {task.attempt} ")
            await pacing.rest(0.05, heard)
        heard.clear()
        if task.attempt == 1:
            raise Transient("not good enough")
        return {"title": "The End"}

    seen: list[Update] = []
    token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer", "operator", "admin"], ttl_seconds=600)
    async with players(mesh) as cast, Client(f"http://{there.address}", token) as watcher:
        await cast.add("writer", write, address=here.address)
        await watcher.definitions.publish(SOURCE)
        workflow_id = (await watcher.start("novel", {})).workflow_id
        async with asyncio.timeout(60):
            async for update in watcher.watch(workflow_id):
                seen.append(update)
                if isinstance(update, TaskChunk) and any(
                    isinstance(each, TaskProgress) and each.message for each in seen
                ):
                    heard.set()
        history = [event.seq async for event in watcher.history(workflow_id)]

    assert [update.seq for update in seen if isinstance(update, WorkflowEvent)] == history
    assert isinstance(seen[-1], WatchEnded)
    kinds = [type(update) for update in seen]
    reset = kinds.index(TaskReset)
    assert TaskProgress in kinds[:reset]
    assert {update.part.decode() for update in seen[:reset] if isinstance(update, TaskChunk)} == {"attempt 1 "}
    assert {update.part.decode() for update in seen[reset:] if isinstance(update, TaskChunk)} == {"attempt 2 "}
