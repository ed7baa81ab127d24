"""The agents' stream: tasks one way, results the other.

One agent never waits for another: each stream has its own reader and its own writer, results are committed side
by side, and a frame that breaks the rules ends that stream only. A stream that breaks costs nothing: the lease
runs on, and the agent may come back to any replica and keep what it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import (
    AgentNotRegistered,
    ArchwrightError,
    DeadlinePassed,
    LimitReached,
    RoleDenied,
    StreamProtocol,
)
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.agent_frames import duration, fence_of, fill, named
from services.engine.api.reports import Reports
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import Acceptor, Revoker, TaskBoard
from services.engine.sessions import Assignment, HeldTask, Outgoing, Session, Sessions, Waker

log = structlog.get_logger(__name__)

PROTOCOL_VERSION = 1

_FRAMES_BYTES_MAX = 1 << 20
_FRAME_BYTES = 512
"""More than a frame takes besides its input and context."""
_CREDIT_MAX = 10_000
_ROSTER_SECONDS = 2.0
_FULL_SECONDS = 10.0
_ROSTER_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """How long things may take on a stream, in seconds."""

    hello: float
    ping: float
    lease: float
    cancel_grace: float


class AgentWorkApi:
    """Serves AgentWorkService."""

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
        session, welcome = await self._open(hello, call)
        reading = self._group.create_task(self._read(session, rest, requests))
        try:
            yield pb.ConnectResponse(frames=[pb.EngineFrame(welcome=welcome)])
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
        if first is None or not first.frames or first.frames[0].WhichOneof("frame") != "hello":
            raise StreamProtocol("The first frame of a stream must be Hello.")
        hello = first.frames[0].hello
        if hello.protocol_version != PROTOCOL_VERSION:
            raise StreamProtocol(
                f"This engine speaks version {PROTOCOL_VERSION} of the agents' protocol, not {hello.protocol_version}.",
                facts={"protocol_version": str(hello.protocol_version)},
            )
        if hello.agent_id != call.caller.subject:
            raise RoleDenied(
                f"The token belongs to agent {call.caller.subject!r}, and Hello names {hello.agent_id!r}.",
                facts={"agent_id": hello.agent_id},
            )
        await self._require_registered(call.caller.tenant, hello.agent_id)
        self._require_room(call)
        return hello, first.frames[1:]

    async def _require_registered(self, tenant: str, agent_id: str) -> None:
        # The registry's word may be a moment behind an agent that has only just registered.
        patience = self._clock.monotonic() + _ROSTER_SECONDS
        while not self._roster.is_registered(tenant, agent_id):
            if self._clock.monotonic() > patience:
                raise AgentNotRegistered(
                    f"The registry does not know agent {agent_id!r}. Register it, then connect again.",
                    facts={"agent_id": agent_id},
                )
            await self._clock.sleep(_ROSTER_PAUSE_SECONDS)

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

    async def _open(self, hello: pb.Hello, call: Call) -> tuple[Session, pb.Welcome]:
        caller = call.caller
        session = Session(ids.new_uuid(), hello.agent_id, caller.agent_type, caller.tenant, tuple(hello.capabilities))
        session.heard_at = self._clock.monotonic()
        claimed = {delivery.lease_id: delivery for delivery in hello.in_flight}
        kept, left = await self._board.open_session(
            session.session_id,
            session.agent_id,
            session.agent_type,
            session.tenant,
            [fence_of(delivery) for delivery in hello.in_flight],
        )
        for held in kept:
            assert held.fence.lease_id is not None
            session.held[held.fence.task_id] = HeldTask(
                held.key,
                held.fence.task_id,
                held.fence.attempt,
                held.fence.lease_id,
                held.step,
                ids.show("lease", held.fence.lease_id),
                accepted=True,
            )
            self._acceptor.accept(held.fence)
        self._sessions.add(session)
        if left:
            self._group.create_task(_aside("revoke", self._revoker.revoke(left)))
        keep = [named(held.fence.task_id, held.fence.attempt, held.fence.lease_id) for held in kept]
        abandon = [claimed[lease] for lease in claimed.keys() - {delivery.lease_id for delivery in keep}]
        log.info("agent_connected", agent_id=session.agent_id, agent_type=session.agent_type, kept=len(keep))
        return session, pb.Welcome(
            session_id=ids.show("session", session.session_id),
            ping_interval=duration(self._times.ping),
            lease_ttl=duration(self._times.lease),
            keep=keep,
            abandon=abandon,
        )

    async def _read(
        self, session: Session, rest: Sequence[pb.AgentFrame], requests: AsyncIterator[pb.ConnectRequest]
    ) -> None:
        """Take what the agent says until it has said everything; what it breaks ends the stream, not us."""
        try:
            self._take_all(session, rest)
            async for request in requests:
                session.heard_at = self._clock.monotonic()
                self._take_all(session, request.frames)
            session.finish()
        except ArchwrightError as error:
            session.fail(error)
        except Exception as error:  # the top of a stream: a fault of ours must not end the others'
            log.exception("stream_failed", agent_id=session.agent_id)
            session.fail(error)

    def _take_all(self, session: Session, frames: Sequence[pb.AgentFrame]) -> None:
        """Take the frames of one message; what it says of how tasks ended is committed together."""
        reports: list[pb.AgentFrame] = []
        for frame in frames:
            if frame.HasField("result") or frame.HasField("failure"):
                reports.append(frame)
            else:
                self._take(session, frame)
        if reports:
            self._reports.post(session, self._reports.commands(session, reports))

    def _take(self, session: Session, frame: pb.AgentFrame) -> None:
        match frame.WhichOneof("frame"):
            case "credit":
                self._credit(session, frame.credit.slots)
            case "accept":
                self._accept(session, frame.accept.delivery)
            case "reject":
                self._reject(session, frame.reject)
            case "progress":
                self._reports.progress(session, frame.progress)
            case "chunk":
                pass  # shown live once there is somebody to show it to
            case "pong":
                session.last_pong = max(session.last_pong, frame.pong.nonce)
            case "draining":
                session.draining = True
            case "hello":
                raise StreamProtocol("Hello may be said once; this is the second.")
            case None:
                raise StreamProtocol("A frame is empty, or of a kind that this engine does not know.")

    def _credit(self, session: Session, slots: int) -> None:
        if slots < 0 or session.credit + slots > _CREDIT_MAX:
            raise StreamProtocol(f"Credit must be from 0 to {_CREDIT_MAX} in all; {slots} more is not.")
        session.credit += slots
        self._waker.has_room(session)

    def _accept(self, session: Session, delivery: pb.Delivery) -> None:
        task = session.held.get(delivery.task_id)
        if task is None or task.lease_text != delivery.lease_id:
            fence_of(delivery)  # a delivery that never was breaks the rules; one that was revoked does not
            return
        task.accepted = True
        self._acceptor.accept(task.fence)

    def _reject(self, session: Session, reject: pb.Reject) -> None:
        fence = fence_of(reject.delivery)
        if session.held.pop(fence.task_id, None) is not None:
            after_seconds = max(0.0, reject.retry_after.ToTimedelta().total_seconds())
            self._group.create_task(_aside("give_back", self._board.give_back(fence, after_seconds=after_seconds)))


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
