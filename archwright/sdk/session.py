"""The agent's half of the stream's rules, without a stream: frames and the time in, frames and effects out.

A session outlives its streams. When one breaks, tasks go on, results wait, and the next Hello names both; only
the lease clock, a Cancel, a LeaseLost or a Welcome that abandons them takes tasks away. What is to be sent is
taken by whoever writes, so all that gathered during one write goes into the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from archwright.language.model import ErrorCategory
from archwright.sdk.frames import (
    Accept,
    AgentFrame,
    Assign,
    Cancel,
    Chunk,
    Credit,
    Delivery,
    Drain,
    Draining,
    EngineFrame,
    Failure,
    Hello,
    LeaseLost,
    Outcome,
    Ping,
    Pong,
    Progress,
    Reject,
    Result,
    ResultAck,
    Welcome,
)
from archwright.sdk.lease import LeaseClock

WELCOME_SECONDS_MAX = 10.0
SILENT_PINGS_MAX = 3
UNACKNOWLEDGED_MAX = 4_096
"""No task is taken on while so many results wait for the engine's word."""
RESEND_SECONDS = 10.0
"""A result without an answer for so long is sent again: the engine may have been unable to commit it."""
REJECT_PAUSE_SECONDS = 1.0
GRACE_SECONDS = 10.0
"""How long a function that is to stop may take to clean up, where the engine does not say."""
CHUNKS_BYTES_MAX = 256 << 10
"""So much output may wait to be sent; whoever has more waits as well."""
SILENCE_SECONDS_MAX = 15.0
"""A frozen engine is left within so long, however seldom it pings, unless that is less often than this."""
BUSY_TASKS = 32
CHUNK_BYTES = 256
"""What a piece of output costs besides its content."""
GIVEN_BACK = "AGENT_DRAINING"
"""The code of a Failure by which a draining agent returns a task, charged to nobody."""
LET_GO = "LEASE_EXPIRED"
"""The code of a Failure by which an agent returns a task that it stopped because its lease was about to end."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine has welcomed the agent."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Start:
    """Begin the task."""

    assign: Assign


@dataclass(frozen=True, slots=True)
class Stop:
    """End the task: its result would not count any more."""

    delivery: Delivery
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Wait no longer for the function of a task that was to end."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Settled:
    """The engine's last word on a result that did not simply count."""

    ack: ResultAck


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Leave this stream and open another, not before `after_seconds`."""

    reason: str
    after_seconds: float = 0.0


Effect: TypeAlias = Ready | Start | Stop | GiveUp | Settled | Reconnect


class _Stream:
    """What holds for one stream only."""

    def __init__(self, opened_at: float) -> None:
        self.opened_at = opened_at
        self.welcome: Welcome | None = None
        self.pinged_at = opened_at
        self.unused_credit = 0
        self.is_ending = False

    def silent_at(self) -> float:
        """Return when the engine must be taken for dead, if it says nothing until then."""
        if self.welcome is None:
            return self.opened_at + WELCOME_SECONDS_MAX
        interval = self.welcome.ping_interval_seconds
        return self.pinged_at + min(SILENT_PINGS_MAX * interval, max(SILENCE_SECONDS_MAX, 1.5 * interval))


@dataclass(slots=True)
class _Unacknowledged:
    """An outcome that the engine has not settled, and when to send it again."""

    outcome: Result | Failure
    resend_at: float


class Session:
    """One agent's dealings with the engine, from its first stream to its last."""

    def __init__(self, agent_id: str, capabilities: tuple[str, ...], slots: int) -> None:
        self._agent_id = agent_id
        self._capabilities = capabilities
        self._slots = slots
        self._lease = LeaseClock()
        self._stream: _Stream | None = None
        self._running: dict[str, Assign] = {}
        self._stopping: dict[Delivery, float] = {}
        self._let_go: set[Delivery] = set()
        """What we stopped, and the engine takes for running: its lease may live on without our knowing."""
        self._unacknowledged: dict[Delivery, _Unacknowledged] = {}
        self._accepted: dict[Delivery, Accept] = {}
        self._outbox: list[AgentFrame] = []
        self._progress: dict[Delivery, Progress] = {}
        self._chunks: list[Chunk] = []
        self._chunks_bytes = 0
        self._draining: str | None = None

    @property
    def occupied(self) -> int:
        """How many slots are taken: a task that was called off holds its slot until its function has ended."""
        return len(self._running) + len(self._stopping)

    @property
    def has_progress(self) -> bool:
        """Whether there is progress to be told, which is lost when its task ends first."""
        return bool(self._progress)

    @property
    def is_busy(self) -> bool:
        """Whether so much is under way that the few words that there are had better wait for others."""
        return len(self._running) >= BUSY_TASKS > len(self._outbox)

    @property
    def is_settled(self) -> bool:
        """Whether the engine has nothing more to hear of any task."""
        return not self._running and not self._unacknowledged

    # The stream

    def opened(self, now: float) -> None:
        """Begin a stream: say Hello, and nothing else before Welcome."""
        self._stream = _Stream(now)
        self._let_go.clear()  # Hello tells, by not naming them
        in_flight = (*(assign.delivery for assign in self._running.values()), *self._unacknowledged)
        self._outbox = [Hello(self._agent_id, self._capabilities, in_flight)]

    def broken(self) -> None:
        """Go on without a stream: tasks run, and what was not acknowledged is kept for the next one."""
        self._stream = None
        self._accepted.clear()
        self._outbox.clear()
        self._drop_chunks()

    def take(self) -> tuple[AgentFrame, ...]:
        """Return, once, all that is to be sent now."""
        stream = self._stream
        if stream is None:
            return ()
        frames, self._outbox = self._outbox, []
        if stream.welcome is not None:
            if self._chunks:
                frames[:0] = self._chunks
                self._drop_chunks()
            if self._accepted:
                frames[:0] = self._accepted.values()
                self._accepted.clear()
            frames.extend(self._progress.values())
            self._progress.clear()
            if free := self._free(stream):
                stream.unused_credit += free
                frames.append(Credit(free))
        return tuple(frames)

    def received(self, frame: EngineFrame, now: float) -> tuple[Effect, ...]:
        """Return what the engine's frame makes the agent do."""
        stream = self._stream
        if stream is None or stream.is_ending:
            return ()
        if (stream.welcome is None) is not isinstance(frame, Welcome):
            stream.is_ending = True
            return (Reconnect(f"the engine sent {type(frame).__name__} where the protocol has no place for it"),)
        match frame:
            case Welcome():
                return self._welcomed(stream, frame, now)
            case Assign():
                stream.unused_credit = max(0, stream.unused_credit - 1)
                return tuple(self._assigned(frame, now))
            case Cancel(delivery, grace_seconds, reason):
                return self._revoked(delivery, reason or "the engine called it off", now, grace_seconds)
            case LeaseLost(delivery):
                return self._revoked(delivery, "its lease was lost", now)
            case ResultAck():
                # What was sent twice is answered twice; the first answer is the one that tells.
                was_open = self._unacknowledged.pop(frame.delivery, None) is not None
                counts = frame.outcome in {Outcome.APPLIED, Outcome.DUPLICATE}
                return (Settled(frame),) if was_open and not counts else ()
            case Ping(nonce, renewed_nonce):
                stream.pinged_at = now
                self._lease.renewed(renewed_nonce)
                self._lease.ponged(nonce, now)
                self._outbox.append(Pong(nonce))
                return ()
            case Drain(after_seconds):
                stream.is_ending = True
                return (Reconnect("the engine drains", after_seconds),)
        assert_never(frame)

    # Time

    def due_at(self) -> float:
        """Return when `due` will have something to say, if nothing happens until then."""
        tasks_end_at = min(self._stopping.values(), default=math.inf)
        if self._running:
            tasks_end_at = min(tasks_end_at, self._lease.ends_at)
        if self._stream is None or self._stream.is_ending:
            return tasks_end_at
        resend_at = min((waiting.resend_at for waiting in self._unacknowledged.values()), default=math.inf)
        return min(tasks_end_at, self._stream.silent_at(), resend_at)

    def due(self, now: float) -> tuple[Effect, ...]:
        """Return what time alone makes the agent do."""
        effects: list[Effect] = []
        if self._lease.has_passed(now):
            for assign in tuple(self._running.values()):
                effects.extend(self._revoked(assign.delivery, "the engine was not heard of for most of its lease", now))
                if self._stream is not None:  # else the next Hello tells
                    self._let_go.add(assign.delivery)
        for delivery, ends_at in self._stopping.items():
            if now >= ends_at:
                self._stopping[delivery] = math.inf
                self._tell_let_go(delivery, now)
                effects.append(GiveUp(delivery))
        stream = self._stream
        if stream is not None and not stream.is_ending and now >= stream.silent_at():
            stream.is_ending = True
            effects.append(Reconnect("the engine is silent"))
        for waiting in self._unacknowledged.values():
            if now >= waiting.resend_at:
                self._send(waiting, now)
        return tuple(effects)

    # The tasks

    def progressed(self, progress: Progress) -> None:
        """Tell how a task is getting on; only its newest word is sent."""
        if self._is_running(progress.delivery):
            self._progress[progress.delivery] = progress

    def chunked(self, chunk: Chunk) -> bool:
        """Send a piece of output; False when there is no room for it yet, and it should be offered again.

        A piece that nobody could get, as there is no stream or the task was called off, is dropped.
        """
        if self._stream is None or self._stream.welcome is None or not self._is_running(chunk.delivery):
            return True
        if self._chunks and self._chunks_bytes + len(chunk.part) > CHUNKS_BYTES_MAX:
            return False
        self._chunks.append(chunk)
        self._chunks_bytes += len(chunk.part) + CHUNK_BYTES
        return True

    def ended(self, delivery: Delivery, outcome: Result | Failure | None, now: float) -> None:
        """Free the slot of a task whose function has ended; send its outcome until settled, if it can still count."""
        # An outcome says that the task was accepted: a task that is done at once needs no word of its own for it.
        self._accepted.pop(delivery, None)
        self._progress.pop(delivery, None)
        self._stopping.pop(delivery, None)
        self._tell_let_go(delivery, now)
        if self._is_running(delivery):
            del self._running[delivery.task_id]
            if outcome is not None:
                self._send_until_acknowledged(outcome, now)

    # The end

    def drain(self, reason: str) -> None:
        """Take no more tasks."""
        if self._draining is None:
            self._draining = reason
            if self._stream is not None and self._stream.welcome is not None:
                self._outbox.append(Draining(reason))

    def give_back(self, now: float) -> tuple[Effect, ...]:
        """Return all running tasks to the engine, for others to do."""
        effects: list[Effect] = []
        for assign in tuple(self._running.values()):
            delivery = assign.delivery
            effects.extend(self._revoked(delivery, "the agent goes", now))
            message = "The agent went before it was done."
            failure = Failure(delivery, ErrorCategory.CAPACITY, GIVEN_BACK, message)
            self._send_until_acknowledged(failure, now)
        return tuple(effects)

    def _welcomed(self, stream: _Stream, welcome: Welcome, now: float) -> tuple[Effect, ...]:
        stream.welcome = welcome
        stream.pinged_at = now
        self._lease.grant(welcome.lease_seconds, stream.opened_at)
        effects: list[Effect] = [Ready(welcome.session_id)]
        for delivery in welcome.abandon:
            self._unacknowledged.pop(delivery, None)
            effects.extend(self._revoked(delivery, "the engine has given it to another", now))
        # An Accept may have been lost with the last stream; saying it again does no harm.
        for assign in self._running.values():
            self._accept(assign.delivery)
        for waiting in self._unacknowledged.values():
            self._send(waiting, now)
        if self._draining is not None:
            self._outbox.append(Draining(self._draining))
        return tuple(effects)

    def _assigned(self, assign: Assign, now: float) -> Iterator[Effect]:
        delivery = assign.delivery
        if waiting := self._unacknowledged.get(delivery):
            self._send(waiting, now)
            return
        if self._is_running(delivery):
            self._accept(delivery)
            return
        if earlier := self._running.get(delivery.task_id):
            yield from self._revoked(earlier.delivery, "it was delivered again", now)
        if self._lease.has_passed(now):
            self._outbox.append(Reject(delivery, ErrorCategory.TRANSIENT, REJECT_PAUSE_SECONDS))
        elif self._draining is not None or self.occupied >= self._slots:
            self._outbox.append(Reject(delivery, ErrorCategory.CAPACITY, REJECT_PAUSE_SECONDS))
        else:
            self._running[delivery.task_id] = assign
            self._accept(delivery)
            yield Start(assign)

    def _drop_chunks(self) -> None:
        self._chunks = []
        self._chunks_bytes = 0

    def _accept(self, delivery: Delivery) -> None:
        self._accepted[delivery] = Accept(delivery)

    def _revoked(
        self, delivery: Delivery, reason: str, now: float, grace_seconds: float = GRACE_SECONDS
    ) -> tuple[Effect, ...]:
        if not self._is_running(delivery):
            return ()
        del self._running[delivery.task_id]
        self._accepted.pop(delivery, None)
        self._stopping[delivery] = now + (grace_seconds or GRACE_SECONDS)
        self._progress.pop(delivery, None)
        return (Stop(delivery, reason),)

    def _tell_let_go(self, delivery: Delivery, now: float) -> None:
        """Return a task that was stopped by ourselves, once nothing is done about it any more."""
        if delivery in self._let_go:
            self._let_go.remove(delivery)
            message = "The agent had heard nothing of its lease for most of it, and stopped the task."
            self._send_until_acknowledged(Failure(delivery, ErrorCategory.TRANSIENT, LET_GO, message), now)

    def _send_until_acknowledged(self, outcome: Result | Failure, now: float) -> None:
        waiting = self._unacknowledged[outcome.delivery] = _Unacknowledged(outcome, now)
        self._send(waiting, now)

    def _send(self, waiting: _Unacknowledged, now: float) -> None:
        waiting.resend_at = now + RESEND_SECONDS
        if self._stream is not None and self._stream.welcome is not None:
            self._outbox.append(waiting.outcome)

    def _free(self, stream: _Stream) -> int:
        if self._draining is not None:
            return 0
        room = min(self._slots - self.occupied, UNACKNOWLEDGED_MAX - len(self._unacknowledged))
        return max(0, room - stream.unused_credit)

    def _is_running(self, delivery: Delivery) -> bool:
        assign = self._running.get(delivery.task_id)
        return assign is not None and assign.delivery == delivery
