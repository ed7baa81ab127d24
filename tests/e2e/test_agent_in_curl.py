"""The agent that is made of curl, against everything that `archwright up` starts: REST alone, through the gateway."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from archwright import Client
from archwright.engine.v1.workflows_pb2 import Workflow

EXAMPLE = Path(__file__).parents[2] / "examples" / "agents" / "curl"


@pytest.fixture
async def agent(whole_mesh: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    record = whole_mesh.record
    process = await asyncio.create_subprocess_exec(
        EXAMPLE / "agent.sh",
        env={
            "PATH": os.environ["PATH"],
            "GATEWAY": record.gateway,
            "CA": record.ca_file,
            "ENROLMENT_TOKEN": Path(record.enrolment_token_file).read_text(encoding="utf-8").strip(),
            "AGENT_ID": "adder-in-curl",
        },
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"ready: adder-in-curl\n"
    yield process
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def test_an_agent_of_nothing_but_curl_does_its_tasks_and_leaves_when_told_to(
    whole_mesh: Any, agent: asyncio.subprocess.Process
) -> None:
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish((EXAMPLE / "addition.yaml").read_text(encoding="utf-8"))
        for left in (19, 20):
            workflow = await client.start("addition", {"left": left, "right": 23})
            done = await client.wait(workflow.workflow_id)

            assert done.status == Workflow.COMPLETED
            [task] = await client.tasks(workflow.workflow_id)
            whole = await client.task(workflow.workflow_id, task.task_id)
            assert (MessageToDict(whole.result), task.agent_id) == ({"sum": left + 23.0}, "adder-in-curl")
        assert agent.stdout is not None
        assert await agent.stdout.readline() == b"APPLIED\n"

        agent.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await agent.wait() == 0
        assert "adder-in-curl" not in [each.agent_id async for each in client.agents.list("adder")]
