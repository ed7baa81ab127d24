"""The agents' stream on the wire: reads and writes it, and does what its rules (`agent_stream`) come to.

One agent never waits for another: each stream has its own reader and its own writer, results are committed side
by side, and a frame that breaks the rules ends that stream only. A stream that breaks costs nothing: the lease
runs on, and the agent may come back to any replica and keep what it holds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import ArchwrightError, DeadlinePassed, LimitReached
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.agent_frames import fence_of, fill
from services.engine.api.agent_pull import AgentPull
from services.engine.api.agent_stream import AgentStream, Heard, hello_of
from services.engine.api.registered import require_registered
from services.engine.api.reports import Reports
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import Acceptor, Revoker, TaskBoard
from services.engine.sessions import AGE_SHARE_MIN, Assignment, Outgoing, Session, Sessions, SessionTimes, Waker

log = structlog.get_logger(__name__)

_FRAMES_BYTES_MAX = 1 << 20
_FRAME_BYTES = 512
"""More than a frame takes besides its input and context."""
_FULL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """How long things may take on a stream, in seconds."""

    hello: float
    cancel_grace: float
    session: SessionTimes


class AgentWorkApi:
    """Answers the calls of AgentWorkService."""

    def __init__(self, streams: AgentStreams, pull: AgentPull) -> None:
        self.connect = streams.connect
        self.pull_tasks = pull.pull_tasks
        self.accept_task = pull.accept_task
        self.report_progress = pull.report_progress
        self.submit_result = pull.submit_result


class AgentStreams:
    """Serves agents that hold a stream open."""

    def __init__(
        self,
        board: TaskBoard,
        sessions: Sessions,
        reports: Reports,
        acceptor: Acceptor,
        revoker: Revoker,
        waker: Waker,
        roster: Roster,
        clock: Clock,
        group: asyncio.TaskGroup,
        times: StreamTimes,
        *,
        agents_max: int,
    ) -> None:
        self._board = board
        self._sessions = sessions
        self._reports = reports
        self._acceptor = acceptor
        self._revoker = revoker
        self._waker = waker
        self._roster = roster
        self._clock = clock
        self._group = group
        self._times = times
        self._agents_max = agents_max

    async def connect(
        self, requests: AsyncIterator[pb.ConnectRequest], call: Call
    ) -> AsyncIterator[pb.ConnectResponse]:
        """Serve one agent until one of us goes."""
        hello, rest = await self._hello(requests, call)
        stream = await self._open(hello, call)
        session = stream.session
        reading = self._group.create_task(self._read(stream, rest, requests))
        try:
            yield pb.ConnectResponse(frames=[pb.EngineFrame(welcome=stream.welcome(hello))])
            while frames := await session.take():
                for message in _messages(frames, self._times.cancel_grace):
                    yield message
        finally:
            reading.cancel()
            self._sessions.remove(session)
            log.info("agent_disconnected", agent_id=session.agent_id, held=len(session.held))
            if not session.held and not session.lost:
                self._group.create_task(_aside("close_session", self._board.close_session(session.session_id)))

    async def _hello(
        self, requests: AsyncIterator[pb.ConnectRequest], call: Call
    ) -> tuple[pb.Hello, Sequence[pb.AgentFrame]]:
        try:
            async with asyncio.timeout(self._times.hello):
                first = await anext(requests, None)
        except TimeoutError:
            raise DeadlinePassed(f"No Hello came within {self._times.hello:g} s of connecting.") from None
        frames = () if first is None else first.frames
        hello = hello_of(frames, call.caller.subject)
        await require_registered(self._roster, self._clock, call.caller.tenant, hello.agent_id, then="connect")
        self._require_room(call)
        return hello, frames[1:]

    def _require_room(self, call: Call) -> None:
        caller = call.caller
        alike = [
            session
            for session in self._sessions
            if (session.agent_type, session.tenant) == (caller.agent_type, caller.tenant)
            and session.agent_id != caller.subject
        ]
        if len(alike) >= self._agents_max:
            raise LimitReached(
                f"{len(alike)} agents of type {caller.agent_type!r} are connected; at most {self._agents_max} may.",
                retry_after_seconds=_FULL_SECONDS,
            )

    async def _open(self, hello: pb.Hello, call: Call) -> AgentStream:
        caller = call.caller
        session = Session(ids.new_uuid(), hello.agent_id, caller.agent_type, caller.tenant, tuple(hello.capabilities))
        session.age_share = random.uniform(AGE_SHARE_MIN, 1.0)  # noqa: S311 -- spreads; guards nothing
        kept, left = await self._board.open_session(
            session.session_id,
            session.agent_id,
            session.agent_type,
            session.tenant,
            [fence_of(delivery) for delivery in hello.in_flight],
        )
        stream = AgentStream(session, kept, self._clock.monotonic(), self._times.session)
        for held in kept:
            self._acceptor.accept(held.fence)
        self._sessions.add(session)
        self._sessions.supersede(session)
        if left:
            self._group.create_task(_aside("revoke", self._revoker.revoke(left)))
        log.info("agent_connected", agent_id=session.agent_id, agent_type=session.agent_type, kept=len(kept))
        return stream

    async def _read(
        self, stream: AgentStream, rest: Sequence[pb.AgentFrame], requests: AsyncIterator[pb.ConnectRequest]
    ) -> None:
        """Take what the agent says until it has said everything; what it breaks ends the stream, not us."""
        session = stream.session
        try:
            self._act(session, stream.received(rest, self._clock.monotonic()))
            async for request in requests:
                self._act(session, stream.received(request.frames, self._clock.monotonic()))
            session.finish()
        except ArchwrightError as error:
            session.fail(error)
        except Exception as error:  # the top of a stream: a fault of ours must not end the others'
            log.exception("stream_failed", agent_id=session.agent_id)
            session.fail(error)

    def _act(self, session: Session, heard: Heard) -> None:
        """Do what a message comes to; what it says of how tasks ended is committed together."""
        if heard.ended:
            self._reports.take(session, heard.ended)
        for fence in heard.accepted:
            self._acceptor.accept(fence)
        if heard.has_room:
            self._waker.has_room(session)
        for task, progress in heard.progressed:
            self._reports.progress(session, task, progress)
        for task, chunk in heard.pieces:
            self._reports.chunk(session, task, chunk)
        for fence, after_seconds in heard.given_back:
            giving = self._board.give_back(fence, after_seconds=after_seconds)
            self._group.create_task(_aside("give_back", giving))


async def _aside(what: str, work: Awaitable[None]) -> None:
    """Do something beside the stream. Should it fail, the lease sees to it that nothing is lost."""
    try:
        await work
    except Exception:  # the top of a task of its own
        log.exception("stream_work_failed", what=what)


def _messages(frames: Sequence[Outgoing], cancel_grace_seconds: float) -> Iterator[pb.ConnectResponse]:
    """Share frames out to messages of at most 1 MiB; a bigger frame travels alone."""
    message, size = pb.ConnectResponse(), 0
    for frame in frames:
        length = len(frame.input) + len(frame.context) + _FRAME_BYTES if isinstance(frame, Assignment) else _FRAME_BYTES
        if size and size + length > _FRAMES_BYTES_MAX:
            yield message
            message, size = pb.ConnectResponse(), 0
        fill(message.frames.add(), frame, cancel_grace_seconds)
        size += length
    yield message
