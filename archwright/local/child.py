"""One child process: how it is started, how it says that it is ready, and how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from archwright.errors import Unavailable
from archwright.local.child_log import ChildLog
from archwright.local.processes import ProcessId, identify

PARENT_PIPE_VARIABLE = "ARCHWRIGHT_PARENT_PIPE_FD"
_PROBE_SECONDS = 0.05
_READ_BYTES = 65536
_LAST_LINES = 20
_LAST_WORDS_SECONDS = 1.0

Probe = Callable[[], Awaitable[bool]]
"""Asks a program that cannot speak for itself whether it is ready."""


class StartFailed(Unavailable):
    """A child did not come up; the message ends with what it last printed."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a program is found, by what its ready line says; empty where that says nothing."""

    service: str = ""
    metrics: str = ""


NOWHERE: Final = Addresses()


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, how to tell that it is ready, and how to stop it.

    A program without a probe says so itself: one line of JSON with `"event": "ready"` and its addresses. When it
    has to be started again it gets their ports in the variables named here, so that others still find it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    probe: Probe | None = None
    port_variable: str = ""
    metrics_port_variable: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 15.0
    ready_seconds_max: float = 60.0


class Child:
    """A process of a program, from its start to its end."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process, log: ChildLog) -> None:
        self.program = program
        self._process = process
        self._log = log
        self._addresses: Addresses | None = None
        self._ended = asyncio.Event()
        self._spoke_or_ended = asyncio.Event()
        self._began = time.monotonic()
        self.identity: ProcessId | None = identify(process.pid)

    @classmethod
    async def start(cls, program: Program, log: ChildLog, parent_pipe: int, found_at: Addresses) -> Child:
        """Start the program in a session of its own, so that a terminal's Ctrl-C reaches the supervisor only."""
        environment = {**program.environment, PARENT_PIPE_VARIABLE: str(parent_pipe)}
        for variable, address in (
            (program.port_variable, found_at.service),
            (program.metrics_port_variable, found_at.metrics),
        ):
            if variable and address:
                environment[variable] = address.rpartition(":")[2]
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(parent_pipe,),
                start_new_session=True,
            )
        except OSError as refused:
            raise StartFailed(f"{program.name} cannot be started: {refused}", facts={"child": program.name}) from None
        return cls(program, process, log)

    @property
    def lived_seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._began

    async def follow(self) -> None:
        """Write what it prints to its log until it has ended."""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read())
            await self._process.wait()
            # Its last words are still in the pipe, which a child of its own may hold open for longer.
            await asyncio.wait({reading}, timeout=_LAST_WORDS_SECONDS)
            reading.cancel()
            self._ended.set()
            self._spoke_or_ended.set()

    async def ready(self) -> Addresses:
        """Wait until it is ready and return where it is found, or raise `StartFailed`."""
        try:
            async with asyncio.timeout(self.program.ready_seconds_max):
                found = await (self._said_so() if self.program.probe is None else self._answered(self.program.probe))
        except TimeoutError:
            raise self._start_failed(f"is not ready after {self.program.ready_seconds_max:g} s") from None
        if found is None:
            raise self._start_failed(f"ended with {self.exit_words()} before it was ready")
        return found

    def require_success(self) -> None:
        """Raise `StartFailed` unless it has ended well."""
        if self._process.returncode != 0:
            raise self._start_failed(f"ended with {self.exit_words()}")

    async def ended(self) -> None:
        """Wait until it has ended."""
        await self._ended.wait()

    async def stop(self) -> bool:
        """End it, with its own signal at first; return False when it had to be killed."""
        self._send(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.grace_seconds):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return False
        return True

    def kill(self) -> None:
        """End it without asking."""
        self._send(signal.SIGKILL)

    def exit_words(self) -> str:
        """Return how it ended, in words."""
        code = self._process.returncode
        if code is None:
            return "no exit code"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def _send(self, number: signal.Signals) -> None:
        # The process object knows of the end before the pid can be given to another process.
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _said_so(self) -> Addresses | None:
        await self._spoke_or_ended.wait()
        return self._addresses

    async def _answered(self, probe: Probe) -> Addresses | None:
        while not self._ended.is_set():
            if await probe():
                return NOWHERE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PROBE_SECONDS):
                    await self._ended.wait()
        return None

    async def _read(self) -> None:
        output = self._process.stdout
        if output is None:
            raise TypeError("a child is started with its output in a pipe")
        line = b""
        while chunk := await output.read(_READ_BYTES):
            self._log.append(chunk)
            if self._addresses is None:
                *lines, line = (line + chunk).split(b"\n")
                for said in lines:
                    self._hear(said)

    def _hear(self, line: bytes) -> None:
        if not line.startswith(b"{"):
            return
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            return  # a log line that happens to begin so
        if said.get("event") == "ready" and "address" in said:
            self._addresses = Addresses(str(said["address"]), str(said.get("metrics", "")))
            self._spoke_or_ended.set()

    def _start_failed(self, what: str) -> StartFailed:
        last = "\n".join(f"    {line}" for line in self._log.last_lines(_LAST_LINES))
        printed = f"Its last lines:\n{last}" if last else "It printed nothing."
        return StartFailed(
            f"{self.program.name} {what}. {printed}\nIts log: {self._log.file}", facts={"child": self.program.name}
        )


def clean_environment() -> dict[str, str]:
    """Return this process's environment without settings of Archwright: those are each child's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")}
