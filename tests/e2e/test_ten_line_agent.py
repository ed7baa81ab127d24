"""The agent of the docs and the README, letter for letter, in a mesh that was started as the docs say."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from documents import blocks

from archwright import Client
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.payloads import from_struct

READY_SECONDS_MAX = 30.0
LINES_MAX = 10


@pytest.mark.parametrize(("file", "heading"), [("docs/agents.md", "Ten lines"), ("README.md", "Write an agent")])
async def test_the_agent_that_is_shown_greets(file: str, heading: str, whole_mesh: Any, tmp_path: Path) -> None:
    program = tmp_path / "greeter.py"
    program.write_text(blocks(file, heading, "python")[0])

    async with running(program, whole_mesh.environment), Client.local(whole_mesh.state) as client:
        definition = await client.definitions.publish(blocks("docs/agents.md", "Ten lines", "yaml")[0])
        started = await client.start(definition.name, {"name": "Ada"})
        async with asyncio.timeout(30):
            ended = await client.wait(started.workflow_id)

    assert pb.Workflow.Status.Name(ended.status) == "COMPLETED", ended.error_details
    assert from_struct(ended.output) == {"greet": {"greeting": "Hello, Ada!"}}


def test_both_places_show_the_same_ten_lines() -> None:
    [shown] = blocks("docs/agents.md", "Ten lines", "python")

    assert blocks("README.md", "Write an agent", "python") == [shown]
    assert len([line for line in shown.splitlines() if line.strip()]) <= LINES_MAX


@asynccontextmanager
async def running(program: Path, environment: dict[str, str]) -> AsyncIterator[None]:
    """Run the agent from its ready line on, and end it kindly; it ends by itself where these tests are killed."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program)),
        env=environment | {"ARCHWRIGHT_PARENT_PIPE_FD": str(reading)},
        cwd=program.parent,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=[reading],
    )
    os.close(reading)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            ready = json.loads(await process.stdout.readline())
        assert ready["service"] == "agent greeter"
        yield
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(writing)
