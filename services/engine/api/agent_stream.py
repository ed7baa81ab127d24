"""The engine's half of the stream's rules, without a stream: frames and the time in, frames and effects out.

What goes out waits in the session's outbox; what the world has to do, such as committing results, is returned. A
frame that breaks the rules raises, which ends this agent's stream and nobody else's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archwright import ids
from archwright.engine.v1 import agent_work_pb2 as pb
from archwright.errors import RoleDenied, StreamProtocol
from services.engine.api.agent_frames import duration, fence_of, named
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import Held
from services.engine.sessions import Acknowledged, HeldTask, Session, SessionTimes

PROTOCOL_VERSION = 1

CREDIT_MAX = 10_000
CAPABILITIES_MAX = 64
IN_FLIGHT_MAX = 10_000
REJECT_SECONDS_MAX = 60.0
"""So long at most one agent keeps a task from all of them by rejecting it."""
CHUNK_BYTES_MAX = 64 << 10

Outcome: TypeAlias = pb.Result | pb.Failure
"""How a task ended, by its agent's word."""


@dataclass(slots=True)
class Heard:
    """What one message of an agent comes to. Whatever is in it concerns tasks that the agent holds."""

    ended: list[tuple[HeldTask, Outcome]] = field(default_factory=list)
    accepted: list[Fence] = field(default_factory=list)
    given_back: list[tuple[Fence, float]] = field(default_factory=list)
    """Not to be delivered again before so many seconds have passed."""
    progressed: list[tuple[HeldTask, pb.Progress]] = field(default_factory=list)
    pieces: list[tuple[HeldTask, pb.Chunk]] = field(default_factory=list)
    has_room: bool = False


class AgentStream:
    """One agent's stream, from its Hello on. Begins with `hello_of`, which needs nobody's word but the token's."""

    def __init__(self, session: Session, kept: Iterable[Held], now: float, times: SessionTimes) -> None:
        self.session = session
        session.open(now, times)
        for held in kept:
            lease_id = held.fence.lease_id
            assert lease_id is not None
            session.held[held.fence.task_id] = HeldTask(
                held.key,
                held.fence.task_id,
                held.fence.attempt,
                lease_id,
                held.step,
                ids.show("lease", lease_id),
                accepted=True,
                handed_at=now - held.seconds,
            )

    def welcome(self, hello: pb.Hello) -> pb.Welcome:
        """Return the answer to Hello: what the agent still holds, and what it holds no longer."""
        kept = {task.lease_text: task for task in self.session.held.values()}
        return pb.Welcome(
            session_id=ids.show("session", self.session.session_id),
            ping_interval=duration(self.session.times.ping),
            lease_ttl=duration(self.session.times.lease),
            keep=[named(task.task_id, task.attempt, task.lease_id) for task in kept.values()],
            abandon=[delivery for delivery in hello.in_flight if delivery.lease_id not in kept],
        )

    def received(self, frames: Sequence[pb.AgentFrame], now: float) -> Heard:
        """Return what a message comes to; raises StreamProtocol at the first frame that breaks the rules."""
        heard = Heard()
        for frame in frames:
            match frame.WhichOneof("frame"):
                case "result":
                    self._ended(heard, frame.result)
                case "failure":
                    self._ended(heard, frame.failure)
                case "accept":
                    self._accepted(heard, frame.accept.delivery)
                case "credit":
                    self._credited(heard, frame.credit.slots)
                case "progress":
                    self._progressed(heard, frame.progress)
                case "pong":
                    self._ponged(frame.pong.nonce, now)
                case "chunk":
                    self._chunked(heard, frame.chunk)
                case "reject":
                    self._rejected(heard, frame.reject)
                case "draining":
                    self.session.draining = self.session.said_draining = True
                case "hello":
                    raise StreamProtocol("Hello may be said once; this is the second.")
                case None:
                    raise StreamProtocol("A frame is empty, or of a kind that this engine does not know.")
        return heard

    def _ended(self, heard: Heard, told: Outcome) -> None:
        """Take how a task ended, which implies that it was accepted; whose word it was not is told so at once."""
        session, delivery = self.session, told.delivery
        task = session.held.get(delivery.task_id)
        if task is None or not _is_of(task, delivery) or session.lost:
            fence = fence_of(delivery)
            assert fence.lease_id is not None
            session.tell(
                Acknowledged(
                    fence.task_id,
                    fence.attempt,
                    fence.lease_id,
                    "stale",
                    "The task has ended, or belongs to another attempt.",
                )
            )
        elif not task.reported:  # else it is being committed, and the answer will be to both
            session.note_report(task)
            heard.ended.append((task, told))
            heard.has_room = heard.has_room or session.credit > 0

    def _accepted(self, heard: Heard, delivery: pb.Delivery) -> None:
        task = self._held(delivery)
        if task is not None and not task.accepted:
            task.accepted = True
            heard.accepted.append(task.fence)

    def _credited(self, heard: Heard, slots: int) -> None:
        session = self.session
        if session.said_draining:
            raise StreamProtocol("Credit came after Draining: an agent that drains takes no more tasks.")
        if slots < 0 or session.credit + slots > CREDIT_MAX:
            raise StreamProtocol(f"Credit must be from 0 to {CREDIT_MAX} in all; {slots} more is not.")
        session.credit += slots
        heard.has_room = True

    def _progressed(self, heard: Heard, progress: pb.Progress) -> None:
        if not math.isfinite(progress.percent):
            raise StreamProtocol("Progress must be a number from 0 to 100.")
        task = self._held(progress.delivery)
        if task is not None:
            heard.progressed.append((task, progress))

    def _chunked(self, heard: Heard, chunk: pb.Chunk) -> None:
        if len(chunk.part) > CHUNK_BYTES_MAX:
            raise StreamProtocol(f"A Chunk may hold {CHUNK_BYTES_MAX:,} bytes; this one holds {len(chunk.part):,}.")
        task = self._held(chunk.delivery)
        if task is not None:
            heard.pieces.append((task, chunk))

    def _rejected(self, heard: Heard, reject: pb.Reject) -> None:
        task = self._held(reject.delivery)
        if task is not None and not task.reported:
            self.session.settle(task)
            after_seconds = reject.retry_after.ToNanoseconds() / 1e9
            heard.given_back.append((task.fence, min(max(0.0, after_seconds), REJECT_SECONDS_MAX)))

    def _ponged(self, nonce: int, now: float) -> None:
        if nonce > self.session.last_nonce:
            raise StreamProtocol(f"Pong {nonce} answers a Ping that was never sent.")
        self.session.ponged(nonce, now)

    def _held(self, delivery: pb.Delivery) -> HeldTask | None:
        """Return the task that an agent speaks of, if it is its own by now.

        A delivery that was revoked breaks no rule, its word is only late; one that never was does.
        """
        task = self.session.held.get(delivery.task_id)
        if task is not None and _is_of(task, delivery):
            return task
        fence_of(delivery)
        return None


def hello_of(frames: Collection[pb.AgentFrame], agent_id: str) -> pb.Hello:
    """Return the Hello that a stream begins with; raises StreamProtocol, or RoleDenied where it is somebody else's."""
    first = next(iter(frames), None)
    if first is None or first.WhichOneof("frame") != "hello":
        raise StreamProtocol("The first frame of a stream must be Hello.")
    hello = first.hello
    if hello.protocol_version != PROTOCOL_VERSION:
        raise StreamProtocol(
            f"This engine speaks version {PROTOCOL_VERSION} of the agents' protocol, not {hello.protocol_version}.",
            facts={"protocol_version": str(hello.protocol_version)},
        )
    if hello.agent_id != agent_id:
        raise RoleDenied(
            f"The token belongs to agent {agent_id!r}, and Hello names {hello.agent_id!r}.",
            facts={"agent_id": hello.agent_id},
        )
    if len(hello.capabilities) > CAPABILITIES_MAX or len(hello.in_flight) > IN_FLIGHT_MAX:
        raise StreamProtocol(
            f"Hello may name {CAPABILITIES_MAX} capabilities and {IN_FLIGHT_MAX:,} deliveries; this one names "
            f"{len(hello.capabilities):,} and {len(hello.in_flight):,}."
        )
    return hello


def _is_of(task: HeldTask, delivery: pb.Delivery) -> bool:
    return task.lease_text == delivery.lease_id and task.attempt == delivery.attempt
