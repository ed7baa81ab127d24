"""The agent of docs/agents.md as a process: ready line, signals, its parent's death, exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from archwright.engine.v1 import agent_work_pb2 as pb

DOCS = Path(__file__).parents[3] / "docs" / "agents.md"
DELIVERY = pb.Delivery(task_id="task_1", attempt=1, lease_id="lease_1")
ASSIGN = pb.EngineFrame(
    assign=pb.Assign(delivery=DELIVERY, workflow_id="wf_1", task_type="greet", input=b'{"name":"Ada"}')
)
APPLIED = pb.EngineFrame(result_ack=pb.ResultAck(delivery=DELIVERY, outcome=pb.ResultAck.APPLIED))
Spawn = Callable[..., contextlib.AbstractAsyncContextManager[Process]]

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def greeter_file(tmp_path: Path) -> Path:
    """The ten lines of the docs, letter for letter."""
    found = re.search(r"## Ten lines\n\n```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    file = tmp_path / "greeter.py"
    file.write_text(found[1])
    return file


@pytest.fixture
def spawn(greeter_file: Path, tmp_path: Path) -> Spawn:
    """Return a way to start the agent, which ends with its test whatever happens."""

    @contextlib.asynccontextmanager
    async def started(
        file: Path = greeter_file, *, descriptors: tuple[int, ...] = (), **variables: str
    ) -> AsyncIterator[Process]:
        ours = {f"ARCHWRIGHT_{name.upper()}": value for name, value in variables.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(file),
            env=inherited | ours,
            cwd=tmp_path,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=descriptors,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    return started


def reaching(address: str, token: str = "enrol-me") -> dict[str, str]:
    return {"gateway": f"http://{address}", "enrolment_token": token, "agent_id": "agent_1"}


async def ended(process: Process) -> tuple[int, str]:
    """Return the exit code and what was said on standard error."""
    async with asyncio.timeout(30):
        _, complaint = await process.communicate()
    assert process.returncode is not None
    return process.returncode, complaint.decode()


def test_the_agent_of_the_docs_has_at_most_ten_lines_of_code(greeter_file: Path) -> None:
    assert len([line for line in greeter_file.read_text().splitlines() if line.strip()]) <= 10


async def test_the_agent_of_the_docs_works_and_stops_when_told(engine, spawn: Spawn) -> None:
    async with spawn(**reaching(engine.address)) as process:
        stream = await engine.next_stream()
        assert (await stream.hears("hello")).hello.agent_id == "agent_1"
        stream.welcomes()
        assert process.stdout is not None
        ready = orjson.loads(await process.stdout.readline())
        assert ready == {"event": "ready", "service": "agent greeter", "address": f"http://{engine.address}"}
        stream.says(ASSIGN)
        assert (await stream.hears("result")).result.output == b'{"greeting":"Hello, Ada!"}'
        stream.says(APPLIED)
        process.send_signal(signal.SIGTERM)
        await stream.hears("draining")
        code, _ = await ended(process)
        assert code == 0
    assert engine.deregistered == ["agent_1"]


async def test_a_second_signal_ends_it_at_once(engine, spawn: Spawn) -> None:
    async with spawn(**reaching(engine.address), drain_seconds="60") as process:
        stream = await engine.next_stream()
        stream.welcomes()
        stream.says(ASSIGN)
        await stream.hears("result")  # never acknowledged, so it would wait for a minute
        process.send_signal(signal.SIGTERM)
        await stream.hears("draining")
        process.send_signal(signal.SIGTERM)
        code, _ = await ended(process)
        assert code == 0


async def test_it_ends_with_its_parent(engine, spawn: Spawn) -> None:
    reading, writing = os.pipe()
    try:
        async with spawn(
            **reaching(engine.address), parent_pipe_fd=str(reading), descriptors=(reading,), drain_seconds="60"
        ) as process:
            stream = await engine.next_stream()
            stream.welcomes()
            os.close(writing)
            code, complaint = await ended(process)
            assert code == 0
            assert "parent_died" in complaint
    finally:
        os.close(reading)


async def test_it_waits_for_a_mesh_that_is_not_up_and_stops_when_told(spawn: Spawn, unused_tcp_port: int) -> None:
    async with spawn(**reaching(f"127.0.0.1:{unused_tcp_port}")) as process:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert orjson.loads(await process.stderr.readline())["event"] == "registry_unavailable"
        process.send_signal(signal.SIGTERM)
        code, _ = await ended(process)
        assert code == 0


@pytest.mark.parametrize(
    ("token", "says"),
    [("wrong", "The token is no enrolment token."), ("junk", "does not take this agent's enrolment token")],
)
async def test_a_wrong_enrolment_token_is_said_and_ends_it(engine, spawn: Spawn, token: str, says: str) -> None:
    async with spawn(**reaching(engine.address, token=token)) as process:
        code, complaint = await ended(process)
        assert code == 1
        assert says in complaint


async def test_without_a_mesh_it_says_how_to_start_one(spawn: Spawn) -> None:
    async with spawn() as process:
        code, complaint = await ended(process)
        assert code == 2
        assert "archwright up" in complaint


async def test_without_an_enrolment_token_it_says_which_variable_to_set(engine, spawn: Spawn) -> None:
    async with spawn(gateway=f"http://{engine.address}") as process:
        code, complaint = await ended(process)
        assert code == 2
        assert "ARCHWRIGHT_ENROLMENT_TOKEN" in complaint


async def test_an_agent_without_functions_is_refused(engine, spawn: Spawn, tmp_path: Path) -> None:
    file = tmp_path / "idle.py"
    file.write_text('from archwright import Agent\nAgent("idle").run()\n')
    async with spawn(file, **reaching(engine.address)) as process:
        code, complaint = await ended(process)
        assert code == 2
        assert "idle has no function" in complaint
