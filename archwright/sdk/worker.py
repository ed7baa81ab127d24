"""Joins the session to the world: streams to the engine, functions of the agent, and the clock.

Whatever happens to the session happens on the event loop: a message was read, a task ended, a task spoke, or time
passed. After each, `_touch` wakes the writer, which sends all that has gathered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, assert_never

import structlog

from archwright.errors import AgentNotRegistered, ArchwrightError, Unauthenticated
from archwright.pacing import Backoff, jittered, rest
from archwright.sdk.agent import Agent
from archwright.sdk.clock import Clock, SystemClock
from archwright.sdk.frames import Assign, Chunk, Delivery, Failure, Progress, Result
from archwright.sdk.performance import perform
from archwright.sdk.registration import Membership
from archwright.sdk.session import Effect, GiveUp, Ready, Reconnect, Session, Settled, Start, Stop
from archwright.sdk.task import Cancellation
from archwright.sdk.threads import ThreadPool
from archwright.sdk.transport import Engine, Stream

CLOCK_SECONDS = 0.5
"""How late the end of the lease, or a silent engine, may be noticed."""
LASTING_SECONDS = 5.0
"""A stream that lasted so long was a good one: back-off begins anew."""
SPREAD_SECONDS = 1.0
"""Over so long the agents of a dead replica spread when they go to the next, so that they do not come all at once."""
BACKOFF_SECONDS_MAX = 5.0
FAREWELL_SECONDS = 0.25
"""How long a draining agent without tasks stays, to refuse what is on its way to it."""
GIVE_BACK_SECONDS_MAX = 2.0
GATHER_SECONDS = 0.002
"""How long a busy agent lets its words gather: a message costs as much as some twenty frames, whatever it carries."""

_SYSTEM_CLOCK = SystemClock()

log: Any = structlog.get_logger(__name__)


class _Attempt:
    """A task under way: what its function may ask for, and how it is called off."""

    __slots__ = ("_chunks", "_worker", "assign", "cancellation", "doing", "is_async")

    def __init__(self, worker: Worker, assign: Assign, *, is_async: bool) -> None:
        self._worker = worker
        self.assign = assign
        self.is_async = is_async
        self.cancellation = Cancellation()
        self.doing: asyncio.Task[Result | Failure] | None = None
        self._chunks = 0

    def progress(self, percent: float, message: str) -> None:
        """Tell how the task is getting on."""
        self._worker.progressed(Progress(self.assign.delivery, percent, message))

    async def chunk(self, part: bytes) -> None:
        """Send a piece of output ahead of the result, waiting while there is no room for it."""
        self._chunks += 1
        await self._worker.chunked(Chunk(self.assign.delivery, self._chunks, part))

    async def put_artifact(self, content: bytes, media_type: str) -> str:
        """Put a file into the store and return its SHA-256."""
        return await self._worker.engine.put_artifact(self.assign.workflow_id, content, media_type)

    async def get_artifact(self, name: str) -> bytes:
        """Return a file of the task's workflow."""
        return await self._worker.engine.get_artifact(self.assign.workflow_id, name)

    def call_off(self, reason: str) -> None:
        """Let the function know that its result would not count; an async one is cancelled as well."""
        self.cancellation.reason = reason
        if self.is_async:
            self.cancel()

    def cancel(self) -> None:
        """End the function, or the waiting for it."""
        if self.doing is not None:
            self.doing.cancel()

    def ended(self, doing: asyncio.Task[Result | Failure]) -> None:
        """Report what the function came to; called back by its asyncio task."""
        outcome = None if doing.cancelled() or doing.exception() else doing.result()
        self._worker.ended(self.assign.delivery, outcome)


class Worker:
    """One agent at work."""

    def __init__(
        self,
        agent: Agent,
        agent_id: str,
        *,
        engine: Engine,
        registration: Membership,
        on_ready: Callable[[], None],
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        self.engine = engine
        self._clock = clock
        self._agent = agent
        self._registration = registration
        self._on_ready = on_ready
        self._session = Session(agent_id, agent.capabilities, agent.max_concurrent_tasks)
        self._threads = ThreadPool(agent.max_concurrent_tasks)
        self._underway: dict[Delivery, _Attempt] = {}
        self._group = asyncio.TaskGroup()
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._has_room = asyncio.Event()
        self._leave: asyncio.Future[Reconnect] = asyncio.get_running_loop().create_future()
        self._is_ready = False

    async def work(self, stopping: asyncio.Event, drain_seconds: float) -> None:
        """Do tasks until `stopping` is set, then finish them or, after `drain_seconds`, give them back."""
        try:
            async with self._group as group:
                background = (
                    group.create_task(self._stay_connected()),
                    group.create_task(self._watch_clock()),
                    group.create_task(
                        self._registration.keep(lambda: self._session.occupied, is_draining=stopping.is_set)
                    ),
                )
                await stopping.wait()
                self._registration.tell_now()
                await self._drain(drain_seconds)
                for attempt in self._underway.values():
                    attempt.cancel()
                for duty in background:
                    duty.cancel()
        finally:
            self._threads.close()
        await self._registration.end()

    def progressed(self, progress: Progress) -> None:
        """Pass on what a task says of itself."""
        self._session.progressed(progress)
        self._touch()

    async def chunked(self, chunk: Chunk) -> None:
        """Pass on a piece of a task's output, once there is room for it."""
        while not self._session.chunked(chunk):
            self._has_room.clear()
            await self._has_room.wait()
        self._touch()

    def ended(self, delivery: Delivery, outcome: Result | Failure | None) -> None:
        """Pass on what a task came to; one that was given up has nothing to say any more."""
        if self._underway.pop(delivery, None) is None:
            return
        self._session.ended(delivery, outcome, self._clock.monotonic())
        self._touch()

    async def _drain(self, seconds: float) -> None:
        log.info("draining", tasks=len(self._underway), seconds_max=seconds)
        self._session.drain("the agent was told to stop")
        self._touch()
        await self._clock.rest(FAREWELL_SECONDS)
        await self._clock.rest(seconds, self._settled)
        if not self._session.is_settled:
            log.info("giving_back", tasks=len(self._underway))
            self._apply(self._session.give_back(self._clock.monotonic()))
            self._touch()
            await self._clock.rest(GIVE_BACK_SECONDS_MAX, self._settled)

    async def _stay_connected(self) -> None:
        backoff = Backoff(base_seconds=SPREAD_SECONDS, seconds_max=BACKOFF_SECONDS_MAX)
        while True:
            opened_at = self._clock.monotonic()
            reconnect = await self._converse()
            self._session.broken()
            self._has_room.set()
            if self._clock.monotonic() - opened_at >= LASTING_SECONDS:
                backoff.reset()
            pause = 2 * jittered(reconnect.after_seconds) + backoff.next_pause()
            log.info("stream_ended", cause=reconnect.reason, again_in_seconds=round(pause, 2))
            await self._clock.rest(pause)

    async def _converse(self) -> Reconnect:
        """Open a stream, talk until there is a reason to leave it, and return the reason."""
        self._leave = asyncio.get_running_loop().create_future()
        async with self.engine.stream() as stream, asyncio.TaskGroup() as group:
            self._session.opened(self._clock.monotonic())
            self._wake.set()
            talking = (group.create_task(self._listen(stream)), group.create_task(self._speak(stream)))
            reconnect = await self._leave
            for task in talking:
                task.cancel()
        return reconnect

    async def _listen(self, stream: Stream) -> None:
        try:
            while (frames := await stream.read()) is not None:
                now = self._clock.monotonic()
                for frame in frames:
                    self._apply(self._session.received(frame, now))
                self._touch()
        except ArchwrightError as broken:
            if isinstance(broken, AgentNotRegistered | Unauthenticated):
                self._registration.want_renewal()
            self._depart(Reconnect(broken.message, broken.retry_after_seconds or 0.0))
        else:
            self._depart(Reconnect("the engine ended the stream"))

    async def _speak(self, stream: Stream) -> None:
        while True:
            await self._wake.wait()
            await self._gather()
            self._wake.clear()
            frames = self._session.take()
            self._has_room.set()
            if frames and not await stream.write(frames):
                return

    async def _gather(self) -> None:
        """Let words gather for one message where that harms nobody."""
        if not self._session.has_progress:
            # Tasks that are done at once end within this turn of the loop, and their results go along.
            await asyncio.sleep(0)  # noqa: TID251  gives way without waiting
        if self._session.is_busy:
            await rest(GATHER_SECONDS)

    async def _watch_clock(self) -> None:
        while True:
            now = self._clock.monotonic()
            self._apply(self._session.due(now))
            self._touch()
            await self._clock.rest(min(CLOCK_SECONDS, self._session.due_at() - now))

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(assign):
                    self._start(assign)
                case Stop(delivery, reason):
                    self._stop(delivery, reason)
                case GiveUp(delivery):
                    self._give_up(delivery)
                case Reconnect():
                    self._depart(effect)
                case Settled(ack):
                    log.warning(
                        "result_not_counted", delivery=str(ack.delivery), outcome=ack.outcome.value, cause=ack.message
                    )
                case Ready(session_id):
                    self._welcomed(session_id)
                case _:
                    assert_never(effect)

    def _start(self, assign: Assign) -> None:
        duty = self._agent.duty(assign.task_type, assign.capability)
        attempt = _Attempt(self, assign, is_async=duty is None or duty.is_async)
        self._underway[assign.delivery] = attempt
        doing = self._group.create_task(perform(duty, assign, attempt, attempt.cancellation, self._threads))
        attempt.doing = doing
        # Not a `finally` of the coroutine: one that is cancelled before it has begun never gets there.
        doing.add_done_callback(attempt.ended)

    def _stop(self, delivery: Delivery, reason: str) -> None:
        log.info("task_called_off", delivery=str(delivery), cause=reason)
        self._underway[delivery].call_off(reason)

    def _give_up(self, delivery: Delivery) -> None:
        """Free the slot of a function that does not end. One in a thread keeps it, as it keeps its thread."""
        attempt = self._underway[delivery]
        if attempt.is_async:
            log.warning("task_given_up", delivery=str(delivery), step=attempt.assign.step)
            attempt.cancel()
            self.ended(delivery, None)

    def _welcomed(self, session_id: str) -> None:
        log.info("connected", session_id=session_id, tasks=len(self._underway))
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()

    def _depart(self, reconnect: Reconnect) -> None:
        if not self._leave.done():
            self._leave.set_result(reconnect)

    def _touch(self) -> None:
        self._wake.set()
        if self._session.is_settled:
            self._settled.set()
        else:
            self._settled.clear()
