"""An engine that does what a test says, at the other end of an agent's stream.

The agent is whole: its session, its worker, its functions, their threads. Only the network is left out, and frames
are the plain values of `archwright.sdk.frames`. The engine has no rules of its own: what a test does not say does
not happen, pings included.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from itertools import count
from typing import TypeVar

from archwright.errors import ArchwrightError, ArtifactNotFound, DependencyUnavailable
from archwright.payloads import Json, canonical, check
from archwright.sdk.agent import Agent
from archwright.sdk.frames import (
    AgentFrame,
    Assign,
    Cancel,
    Delivery,
    Drain,
    EngineFrame,
    Failure,
    Hello,
    LeaseLost,
    Outcome,
    Ping,
    Result,
    ResultAck,
    Welcome,
)
from archwright.sdk.worker import Worker
from archwright.testing.clock import WoundClock, settle

PATIENCE_SECONDS = 10.0
"""How long, in real time, the agent may take to say what a test waits for."""

Frame = TypeVar("Frame", bound=AgentFrame)


class ScriptedStream:
    """One stream that the agent has opened, from the engine's end."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.is_over = False
        self._engine = engine
        self._heard: asyncio.Queue[AgentFrame] = asyncio.Queue()
        self._said: asyncio.Queue[tuple[EngineFrame, ...] | ArchwrightError | None] = asyncio.Queue()
        self._nonces = count(1)

    # What a test does

    async def hears(self, kind: type[Frame]) -> Frame:
        """Return the agent's next frame of this kind, dropping others; raises TimeoutError when none comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = await self._heard.get()
                if isinstance(frame, kind):
                    return frame

    async def has_said(self) -> tuple[AgentFrame, ...]:
        """Return what the agent has said since, without waiting for more than it is about to say."""
        await settle()
        return tuple(self._heard.get_nowait() for _ in range(self._heard.qsize()))

    def says(self, *frames: EngineFrame) -> None:
        """Send frames, in one message."""
        self._said.put_nowait(frames)

    def welcomes(self, hello: Hello, *, abandon: Collection[Delivery] = ()) -> None:
        """Answer Hello: the agent keeps what it names, but for what it has to abandon."""
        engine = self._engine
        keep = tuple(delivery for delivery in hello.in_flight if delivery not in abandon)
        self.says(Welcome("session_test", engine.ping_seconds, engine.lease_seconds, keep, tuple(abandon)))

    def assigns(
        self,
        input: Mapping[str, Json],  # noqa: A002 - the task's word
        *,
        task_type: str = "",
        capability: str = "",
        attempt: int = 1,
    ) -> Delivery:
        """Hand a task to the agent, and return what the delivery is called."""
        delivery = self._engine.new_delivery(attempt)
        self.says(
            Assign(
                delivery=delivery,
                workflow_id="wf_test",
                step="test",
                task_type=task_type,
                tenant="test",
                input=canonical(check(dict(input), root="input")),
                idempotency_key=delivery.task_id,
                failures=attempt - 1,
                capability=capability,
            )
        )
        return delivery

    async def outcome(self, delivery: Delivery, answer: Outcome = Outcome.APPLIED) -> Result | Failure:
        """Return how a task ended, and acknowledge it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = await self._heard.get()
                if isinstance(frame, Result | Failure) and frame.delivery == delivery:
                    self.says(ResultAck(delivery, answer))
                    return frame

    def cancels(self, delivery: Delivery, *, grace_seconds: float = 10.0, reason: str = "") -> None:
        """Call a task off."""
        self.says(Cancel(delivery, grace_seconds, reason))

    def takes_back(self, delivery: Delivery) -> None:
        """Tell that the lease of a task was lost."""
        self.says(LeaseLost(delivery))

    def pings(self, renewed_nonce: int = 0) -> int:
        """Ask whether the agent is there, and tell which Pong was seen at the last renewal; return the nonce."""
        nonce = next(self._nonces)
        self.says(Ping(nonce, renewed_nonce))
        return nonce

    def drains(self, reconnect_after_seconds: float = 0.0) -> None:
        """Tell the agent to go elsewhere."""
        self.says(Drain(reconnect_after_seconds))

    def breaks(self, error: ArchwrightError | None = None) -> None:
        """Break the stream; the agent sees `error`, or that nobody answers any more."""
        self._said.put_nowait(error or DependencyUnavailable("The engine cannot be reached."))

    def ends(self) -> None:
        """End the stream as a server does that stops."""
        self._said.put_nowait(None)

    # What the agent does

    async def read(self) -> tuple[EngineFrame, ...] | None:
        """Return the next message; for the agent."""
        message = await self._said.get()
        if isinstance(message, ArchwrightError):
            raise message
        return message

    async def write(self, frames: Iterable[AgentFrame]) -> bool:
        """Take a message; for the agent."""
        for frame in frames:
            self._heard.put_nowait(frame)
        return not self.is_over


class ScriptedEngine:
    """What an agent talks to; a test says what it does."""

    def __init__(self, clock: WoundClock, *, ping_seconds: float = 3.0, lease_seconds: float = 15.0) -> None:
        self.clock = clock
        self.ping_seconds = ping_seconds
        self.lease_seconds = lease_seconds
        self.stopping = asyncio.Event()
        self.artifacts: dict[str, bytes] = {}
        """The files of the workflow, by name, for `task.get_artifact`."""
        self.files: dict[str, bytes] = {}
        """What was put, by SHA-256, as a Result names it."""
        self._streams: asyncio.Queue[ScriptedStream] = asyncio.Queue()
        self._numbers = count(1)

    # What a test does

    async def next_stream(self) -> ScriptedStream:
        """Return the next stream that the agent opens; time passes until it does so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._streams.empty():
                await self.clock.wind(0.1)
        return self._streams.get_nowait()

    async def connected(self, *, abandon: Collection[Delivery] = ()) -> ScriptedStream:
        """Return the next stream once its agent was welcomed; it keeps what it holds but for what it must abandon."""
        stream = await self.next_stream()
        stream.welcomes(await stream.hears(Hello), abandon=abandon)
        await settle()
        return stream

    def stop(self) -> None:
        """Tell the agent to stop, as SIGTERM does."""
        self.stopping.set()

    def new_delivery(self, attempt: int = 1) -> Delivery:
        """Return what a delivery is called that was none before."""
        number = next(self._numbers)
        return Delivery(f"task_{number}", attempt, f"lease_{number}")

    # What the agent does

    @contextlib.asynccontextmanager
    async def stream(self) -> AsyncIterator[ScriptedStream]:
        """Open a stream; for the agent."""
        stream = ScriptedStream(self)
        self._streams.put_nowait(stream)
        try:
            yield stream
        finally:
            stream.is_over = True

    async def put_artifact(self, workflow_id: str, content: bytes, media_type: str) -> str:
        """Keep a file; for the agent."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[sha256] = content
        return sha256

    async def get_artifact(self, workflow_id: str, name: str) -> bytes:
        """Return a file; for the agent."""
        if name not in self.artifacts:
            raise ArtifactNotFound.named(workflow_id, name)
        return self.artifacts[name]


class _Registered:
    """A place among the registered that nobody questions."""

    def tell_now(self) -> None:
        """Hear nothing: nobody asks who is registered."""

    def want_renewal(self) -> None:
        pass

    async def keep(self, occupied: object, is_draining: object) -> None:
        await asyncio.Event().wait()

    async def end(self) -> None:
        pass


@contextlib.asynccontextmanager
async def at_work(
    agent: Agent, *, ping_seconds: float = 3.0, lease_seconds: float = 15.0, drain_seconds: float = 10.0
) -> AsyncIterator[ScriptedEngine]:
    """Run an agent against an engine that the test scripts; at the end it is stopped, and time passes until it is."""
    engine = ScriptedEngine(WoundClock(), ping_seconds=ping_seconds, lease_seconds=lease_seconds)
    worker = Worker(
        agent,
        agent.agent_id or "agent_test",
        engine=engine,
        registration=_Registered(),
        on_ready=lambda: None,
        clock=engine.clock,
    )
    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.work(engine.stopping, drain_seconds))
        try:
            yield engine
        finally:
            engine.stop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not working.done():
                    await engine.clock.wind(0.1)
