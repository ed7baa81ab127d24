"""How a service's process starts and stops, shown on a real one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

SECONDS_MAX = 20.0

PROGRAM = """
import asyncio, sys
from archwright.serving import logs
from services.chassis.lifecycle import announce_ready, serve
from services.chassis.settings import ServiceSettings, read

async def live(stop):
    announce_ready("tiny", "127.0.0.1:1")
    try:
        {body}
    finally:
        print("closed", flush=True)

logs.configure(service="tiny")
sys.exit(serve(live, read(ServiceSettings)))
"""
DRAINS = "await stop.wait(); print('draining', flush=True)"
NEVER_DRAINS = "await stop.wait(); print('draining', flush=True); await asyncio.Event().wait()"
FAILS = "raise OSError('no room')"


async def start(body: str, *, pass_fds: tuple[int, ...] = (), **settings: str) -> Process:
    named = {"POSTGRES_DSN": "postgresql:///", "JWKS_FILE": "none"} | settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM.format(body=body)),
        env=os.environ | {f"ARCHWRIGHT_{name}": value for name, value in named.items()},
        pass_fds=pass_fds,
        stdout=PIPE,
        stderr=PIPE,
    )
    assert json.loads(await line_of(process)) == {"event": "ready", "service": "tiny", "address": "127.0.0.1:1"}
    return process


async def line_of(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS_MAX):
        return (await process.stdout.readline()).decode().strip()


async def end_of(process: Process) -> int:
    async with asyncio.timeout(SECONDS_MAX):
        await process.communicate()
    assert process.returncode is not None
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_begins_the_drain(number: signal.Signals) -> None:
    process = await start(DRAINS)

    process.send_signal(number)

    assert await line_of(process) == "draining"
    assert await line_of(process) == "closed"
    assert await end_of(process) == 0


async def test_a_second_signal_cuts_the_drain_short() -> None:
    process = await start(NEVER_DRAINS)
    process.send_signal(signal.SIGTERM)
    assert await line_of(process) == "draining"

    process.send_signal(signal.SIGTERM)

    assert await line_of(process) == "closed"
    assert await end_of(process) == 0


async def test_the_end_of_the_parents_pipe_begins_the_drain() -> None:
    reading, writing = os.pipe()
    process = await start(DRAINS, pass_fds=(reading,), PARENT_PIPE_FD=str(reading))
    os.close(reading)

    os.close(writing)

    assert await line_of(process) == "draining"
    assert await end_of(process) == 0


async def test_a_service_that_fails_says_why_and_exits_with_one() -> None:
    process = await start(FAILS)

    async with asyncio.timeout(SECONDS_MAX):
        _, complaints = await process.communicate()

    assert process.returncode == 1
    assert "no room" in complaints.decode()


async def test_the_health_file_shows_that_the_loop_turns(tmp_path: Path) -> None:
    health_file = tmp_path / "alive"
    process = await start(DRAINS, HEALTH_FILE=str(health_file))

    async with asyncio.timeout(SECONDS_MAX):
        while not health_file.exists():  # noqa: ASYNC110  another process makes it
            await asyncio.sleep(0.02)  # noqa: TID251  likewise
    process.send_signal(signal.SIGTERM)

    assert await end_of(process) == 0
