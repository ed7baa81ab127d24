"""`archwright agent run`: from a working folder, with options, and again whenever the source changes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archwright.engine.v1 import agent_work_pb2 as pb

SOURCE = """
from archwright import Agent, Task
agent = Agent("greeter")

@agent.task()
async def greet(task: Task) -> dict[str, str]:
    return {"greeting": "HELLO"}
"""

pytestmark = pytest.mark.timeout(90)


@contextlib.asynccontextmanager
async def command(folder: Path, address: str, *words: str) -> AsyncIterator[Process]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "archwright.cli.main", "agent", "run", *words),
        env=inherited | {"ARCHWRIGHT_GATEWAY": f"http://{address}", "ARCHWRIGHT_ENROLMENT_TOKEN": "enrol-me"},
        cwd=folder,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def assign(number: int) -> tuple[pb.EngineFrame, pb.EngineFrame]:
    """Return a task and what acknowledges it."""
    delivery = pb.Delivery(task_id=f"task_{number}", attempt=1, lease_id=f"lease_{number}")
    assigned = pb.Assign(delivery=delivery, workflow_id="wf_1", task_type="greet", input=b"{}")
    applied = pb.ResultAck(delivery=delivery, outcome=pb.ResultAck.APPLIED)
    return pb.EngineFrame(assign=assigned), pb.EngineFrame(result_ack=applied)


async def test_an_agent_runs_from_its_folder_under_the_id_and_with_the_slots_it_is_told(engine, tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(SOURCE)
    async with command(tmp_path, engine.address, "greeter:agent", "--id", "ada", "--concurrency", "7") as process:
        stream = await engine.next_stream()
        assert (await stream.hears("hello")).hello.agent_id == "ada"
        stream.welcomes()
        assert (await stream.hears("credit")).credit.slots == 7
        process.send_signal(signal.SIGINT)
        await stream.hears("draining")
        assert await process.wait() == 0


async def test_it_starts_again_when_its_source_changes_and_stops_when_told(engine, tmp_path: Path) -> None:
    source = tmp_path / "greeter.py"
    source.write_text(SOURCE)
    async with command(tmp_path, engine.address, "greeter:agent", "--reload", "--id", "ada") as process:
        for number, word in enumerate(("HELLO", "WELCOME")):
            stream = await engine.next_stream()
            stream.welcomes()
            task, ack = assign(number)
            stream.says(task)
            assert (await stream.hears("result")).result.output == b'{"greeting":"%s"}' % word.encode()
            stream.says(ack)
            if word == "HELLO":
                source.write_text(SOURCE.replace("HELLO", "WELCOME"))
                await stream.hears("draining")
        process.send_signal(signal.SIGTERM)
        await stream.hears("draining")
        assert await process.wait() == 0
    assert engine.deregistered == ["ada", "ada"]


async def test_an_agent_that_cannot_start_waits_for_its_source_to_be_mended(engine, tmp_path: Path) -> None:
    source = tmp_path / "greeter.py"
    source.write_text("1 / 0\n")
    async with command(tmp_path, engine.address, "greeter:agent", "--reload") as process:
        assert process.stderr is not None
        told = b""
        async with asyncio.timeout(30):
            while b"starts again when its source changes" not in told:
                told += await process.stderr.readline()
        assert b"ZeroDivisionError: division by zero (greeter.py:1)" in told
        source.write_text(SOURCE)
        stream = await engine.next_stream()
        stream.welcomes()
        await stream.hears("credit")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
