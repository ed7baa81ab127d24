"""How a service lives in its process: it starts, says that it is ready, and stops in two stages.

First it stops taking work and drains; then what is left is cancelled. SIGTERM, SIGINT and the death of the
parent (which closes a pipe, also when it is killed) all begin the first stage; a second signal cuts it short.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from services.chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""A service: it begins to drain when the event is set, and returns when it has drained."""

HEALTH_PAUSE_SECONDS: Final = 5.0
# What a service needs to close its pools after the drain.
_CLOSING_SECONDS: Final = 5.0


def serve(main: Main, settings: ServiceSettings) -> int:
    """Live until `main` returns, and return the exit code of the process: 1 when it failed."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(main, settings))
    except Exception:  # the top of the process
        log.exception("service_failed")
        return 1
    return 0


def announce_ready(service: str, address: str, *, metrics: str = "") -> None:
    """Say on standard output, in one line, where `service` and its metrics are; from now on garbage is rare.

    What was made so far lives as long as the process. Leaving it, and waiting for more garbage before looking for
    any, keeps the collector from walking over every workflow in memory many times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    told = {"event": "ready", "service": service, "address": address} | ({"metrics": metrics} if metrics else {})
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def _live(main: Main, settings: ServiceSettings) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        service = group.create_task(main(stop), name="service")
        companions = [group.create_task(_cut_short(service, stop, settings.drain_seconds + _CLOSING_SECONDS))]
        if settings.health_file is not None:
            companions.append(group.create_task(_touch(settings.health_file)))
        service.add_done_callback(lambda _: [companion.cancel() for companion in companions])
        _watch_signals(service, stop)
        if settings.parent_pipe_fd is not None:
            _watch_parent(settings.parent_pipe_fd, stop)


def _watch_signals(service: asyncio.Task[None], stop: asyncio.Event) -> None:
    def heard(name: str) -> None:
        log.info("stop_requested", by=name, again=stop.is_set())
        if stop.is_set():
            service.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number.name)


def _watch_parent(pipe_fd: int, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(pipe_fd, 1024):
            loop.remove_reader(pipe_fd)
            log.info("stop_requested", by="parent's end", again=stop.is_set())
            stop.set()

    loop.add_reader(pipe_fd, readable)


async def _cut_short(service: asyncio.Task[None], stop: asyncio.Event, seconds: float) -> None:
    await stop.wait()
    await asyncio.wait([service], timeout=seconds)
    if not service.done():
        log.warning("drain_cut_short", seconds=seconds)
        service.cancel()


async def _touch(health_file: Path) -> None:
    """Show a liveness probe that the event loop turns."""
    while True:
        await asyncio.to_thread(health_file.touch)
        await asyncio.sleep(HEALTH_PAUSE_SECONDS)  # noqa: TID251  a probe asks about real time
