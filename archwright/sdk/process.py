"""An agent as a process: signals, the parent's death, the ready line, and exit codes.

The first SIGTERM or SIGINT drains, the second ends at once. Exit code 0: stopped as told; 1: it cannot work as
things are; 2: it is not set up to work.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, NoReturn, TypeAlias

import structlog
from pydantic import ValidationError

from archwright import ids
from archwright.errors import ArchwrightError, InvalidArgument, RequestInvalid
from archwright.sdk import settings as agent_settings
from archwright.sdk.agent import Agent
from archwright.sdk.registration import Registration
from archwright.sdk.replicas import Replicas
from archwright.sdk.settings import AgentSettings
from archwright.sdk.transport import GrpcEngine
from archwright.sdk.worker import Worker
from archwright.serving import logs

EXIT_STOPPED, EXIT_REFUSED, EXIT_MISCONFIGURED = 0, 1, 2

_COLLECT_AFTER = 20_000

log: Any = structlog.get_logger(__name__)

Beside: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]
"""What is up as long as the agent is, such as a server of its own."""


def run_agent(
    agent: Agent,
    *,
    agent_id: str = "",
    log_form: Literal["console"] | None = None,
    beside: Beside = contextlib.nullcontext,
) -> NoReturn:
    """Run the agent until the process is told to stop, and end the process.

    `agent_id` goes before any other; `log_form` is the log's where the environment names none.
    """
    try:
        settings = agent_settings.load()
        if agent_id:
            settings = settings.model_copy(update={"agent_id": agent_id})
        if log_form is not None and "log_form" not in settings.model_fields_set:
            settings = settings.model_copy(update={"log_form": log_form})
    except (ArchwrightError, ValidationError) as error:
        _complain(error)
        sys.exit(EXIT_MISCONFIGURED)
    logs.configure(service=f"agent {agent.agent_type}", level=settings.log_level, form=settings.log_form)
    _calm_collector()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(agent, settings, on_ready=lambda: _say_ready(agent, settings), beside=beside))
    except (asyncio.CancelledError, KeyboardInterrupt):
        log.info("stopped_at_once")
    except ArchwrightError as error:
        _complain(error)
        sys.exit(EXIT_MISCONFIGURED if isinstance(error, InvalidArgument) else EXIT_REFUSED)
    sys.exit(EXIT_STOPPED)


async def serve(
    agent: Agent, settings: AgentSettings, *, on_ready: Callable[[], None], beside: Beside = contextlib.nullcontext
) -> None:
    """Register, then work until SIGTERM or SIGINT; `on_ready` is called once the engine has welcomed the agent."""
    if not agent.duties:
        raise RequestInvalid(f"{agent.agent_type} has no function. Register one with @agent.task(…).")
    stopping = asyncio.Event()
    with _told_to_stop(stopping), _parent_watched(settings.parent_pipe_fd):
        agent_id = settings.agent_id or agent.agent_id or ids.show("agent", ids.new_uuid())
        structlog.contextvars.bind_contextvars(agent_id=agent_id)
        registry = Replicas(settings.registry, token=settings.read_enrolment_token, ca_file=settings.ca_file)
        registration = Registration(agent, agent_id, registry)
        engine = Replicas(settings.engine, token=lambda: registration.token, ca_file=settings.ca_file)
        try:
            async with beside():
                await registration.obtain(stopping)
                if not stopping.is_set():
                    worker = Worker(
                        agent, agent_id, engine=GrpcEngine(engine), registration=registration, on_ready=on_ready
                    )
                    await worker.work(stopping, settings.drain_seconds)
        finally:
            await engine.aclose()
            await registry.aclose()


def _calm_collector() -> None:
    """Let the collector of cycles look less often, and never at what was imported, which stays anyway.

    An agent that does thousands of small tasks a second would else spend a tenth of its time on looking in vain.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


@contextlib.contextmanager
def _told_to_stop(stopping: asyncio.Event) -> Iterator[None]:
    """Set the event at the first signal, cancel what runs here at the second."""
    loop = asyncio.get_running_loop()
    here = asyncio.current_task()

    def stop() -> None:
        if stopping.is_set() and here is not None:
            here.cancel()
        stopping.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _parent_watched(descriptor: int | None) -> Iterator[None]:
    """Cancel what runs here when the descriptor reads end of file: without its parent nobody would stop it."""
    if descriptor is None:
        yield
        return
    loop = asyncio.get_running_loop()
    here = asyncio.current_task()

    def look() -> None:
        if not os.read(descriptor, 4096) and here is not None:
            log.warning("parent_died")
            loop.remove_reader(descriptor)
            here.cancel()

    loop.add_reader(descriptor, look)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


def _say_ready(agent: Agent, settings: AgentSettings) -> None:
    ready = {"event": "ready", "service": f"agent {agent.agent_type}", "address": settings.engine}
    sys.stdout.write(json.dumps(ready, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _complain(error: Exception) -> None:
    sys.stderr.write(f"{error}\n")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - faster where it is installed, and not needed
    except ImportError:
        return None
    return uvloop.new_event_loop
