"""The agents connected to this replica: what each may take, what it holds, and what is to be told to it.

Pure bookkeeping: frames go into an outbox as plain values, and the transport empties it. Which task is leased to
whom is decided by the database; a session only remembers. Only a Pong is a sign of life: it shows that the agent
reads what it is sent, which a stream that looks healthy from here does not.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from archwright import ids
from archwright.errors import DeadlinePassed
from services.engine.domain.events import TaskCancelled, TaskCompleted, TaskFailed, TaskRepairRequested
from services.engine.ports.commands import Change
from services.engine.ports.keys import Fence, Key


class Budget(Struct, frozen=True, gc=False):
    """What language models may still take in a workflow; None where there is no limit."""

    tokens: int | None
    cost_micros: int | None


class Assignment(Struct, frozen=True, gc=False):
    """A task for the agent."""

    key: Key
    task_id: str
    attempt: int
    lease_id: uuid.UUID
    step: str
    task_type: str
    input: bytes
    context: bytes
    deadline: datetime
    failures: int
    idempotency_key: str = ""
    repair_errors: tuple[str, ...] = ()
    capability: str = ""
    budget: Budget | None = None
    handed_at: float = 0.0
    """When it was given to the agent, on this engine's clock."""


class Cancelling(Struct, frozen=True, gc=False):
    """The task is called off."""

    task_id: str
    attempt: int
    lease_id: uuid.UUID
    reason: str


class Lost(Struct, frozen=True, gc=False):
    """The agent's right to the task has ended."""

    task_id: str
    attempt: int
    lease_id: uuid.UUID


Outcome = Literal["applied", "duplicate", "stale", "refused"]


class Acknowledged(Struct, frozen=True, gc=False):
    """What became of a result."""

    task_id: str
    attempt: int
    lease_id: uuid.UUID
    outcome: Outcome
    message: str = ""


class Pinging(Struct, frozen=True, gc=False):
    """Are you there? And which answer the lease was renewed on."""

    nonce: int
    renewed_nonce: int


class GoingAway(Struct, frozen=True, gc=False):
    """The stream is about to end."""

    reconnect_after_seconds: float


Outgoing = Assignment | Cancelling | Lost | Acknowledged | Pinging | GoingAway


@dataclass(slots=True)
class HeldTask:
    """A task that the agent holds, by this replica's knowledge."""

    key: Key
    task_id: str
    attempt: int
    lease_id: uuid.UUID
    step: str
    lease_text: str
    """The lease as frames name it."""
    accepted: bool = False
    reported: bool = False
    """Whether the agent has said how it ended."""
    refusal: str = ""
    """Why its result could not be taken as it was."""
    handed_at: float = 0.0
    """When the agent was given it, on this engine's clock, whichever engine gave it."""

    @property
    def fence(self) -> Fence:
        """What a word about it has to prove."""
        return Fence(self.task_id, self.attempt, self.lease_id)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """How a session is kept, in seconds.

    An agent counts two thirds of a lease from the last Pong by which it knows that its lease was renewed. So one at
    work is asked three times as often as one that has nothing to lose, and one that is about to is asked first.
    """

    lease: float
    renewal: float
    """How often leases are looked through; nothing happens more often."""
    age_max: float = math.inf
    """How old a stream may grow at most before its agent is sent away, to spread over the replicas anew."""

    @property
    def ping(self) -> float:
        """How often an agent is asked for a sign of life, at least."""
        return max(self.renewal, self.lease * 2 / 5)

    @property
    def ping_at_work(self) -> float:
        """How often one is asked that holds tasks."""
        return max(self.renewal, self.lease * 2 / 15)

    @property
    def suspicion(self) -> float:
        """How long an agent may be silent and still be given new tasks."""
        return self.lease * 2 / 3


AGE_SHARE_MIN = 0.8
"""The least of its greatest age that a stream is granted."""
_AWAY_SECONDS_MIN, _AWAY_SECONDS_MAX = 0.2, 2.0
_AWAY_SECONDS_EACH = 0.002


def seconds_away(place: int, count: int) -> float:
    """Return how long the agent at `place` of `count`, all sent away at once, should wait before it knocks elsewhere.

    They come one after the other, a few agents soon and a thousand over two seconds. What they hold waits so long too.
    """
    window = min(count * _AWAY_SECONDS_EACH, _AWAY_SECONDS_MAX)
    return _AWAY_SECONDS_MIN + window * place / count


@dataclass(slots=True, eq=False)
class Session:
    """One agent's stream."""

    session_id: uuid.UUID
    agent_id: str
    agent_type: str
    tenant: str
    capabilities: tuple[str, ...] = ()
    credit: int = 0
    draining: bool = False
    """Whether it gets nothing new, by its own wish or because it was sent away."""
    said_draining: bool = False
    """Whether it said that it goes."""
    held: dict[str, HeldTask] = field(default_factory=dict)
    reserved: int = 0
    """For how many tasks on their way to it credit was taken already."""
    reporting: int = 0
    """Of how many that it holds it has said how they ended."""
    last_nonce: int = 0
    last_pong: int = 0
    renewed_nonce: int = 0
    """The Pong that the lease was last renewed on."""
    opened_at: float = 0.0
    age_share: float = 1.0
    """Which part of the greatest age it is granted: those that came together are not to leave together."""
    times: SessionTimes = SessionTimes(lease=math.inf, renewal=math.inf)
    ponged_at: float = 0.0
    pinged_at: float = 0.0
    sent_away_at: float | None = None
    is_suspect: bool = False
    """Whether it has been silent for so long that it should get nothing new."""
    lost: bool = False
    """Whether the database closed the session: nothing that it says counts any more."""
    _ping_waits: bool = False
    _broken: Exception | None = None
    _finished: bool = False
    _outbox: list[Outgoing] = field(default_factory=list)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self, now: float, times: SessionTimes) -> None:
        """Begin to count: an agent that says Hello is alive."""
        self.opened_at = self.ponged_at = self.pinged_at = now
        self.times = times

    def tell(self, *frames: Outgoing) -> None:
        """Put frames into the outbox."""
        self._outbox.extend(frames)
        self._filled.set()

    def finish(self) -> None:
        """End the stream once the outbox is empty: the agent has said all it will say."""
        self._finished = True
        self._filled.set()

    def fail(self, error: Exception) -> None:
        """End the stream with an error."""
        self._broken = error
        self._filled.set()

    async def take(self) -> list[Outgoing]:
        """Return everything in the outbox, once there is something; nothing at the end.

        Raises what the stream was ended with.
        """
        await self._filled.wait()
        if self._broken is not None:
            raise self._broken
        frames, self._outbox = self._outbox, []
        self._ping_waits = False
        if not self._finished:
            self._filled.clear()
        return frames

    @property
    def in_hand(self) -> int:
        """How many tasks it works on, or is about to be given."""
        return len(self.held) - self.reporting + self.reserved

    def reserve(self) -> None:
        """Take credit for a task that may come of what is under way."""
        self.credit -= 1
        self.reserved += 1

    def give_up(self) -> None:
        """Give back the credit of a task that did not come."""
        self.credit += 1
        self.reserved -= 1

    def note_report(self, task: HeldTask) -> None:
        """Remember that it said how a task ended."""
        task.reported = True
        self.reporting += 1

    def forget_report(self, task: HeldTask) -> None:
        """Have it say so again."""
        if task.reported and self.held.get(task.task_id) is task:
            self.reporting -= 1
        task.reported = False

    def settle(self, task: HeldTask) -> None:
        """Let go of a task of which all is said."""
        self.reporting -= task.reported
        del self.held[task.task_id]

    def assign(self, assignment: Assignment) -> None:
        """Hand a claimed task to the agent, unless it has a later delivery of it already."""
        held = self.held.get(assignment.task_id)
        if held is not None and held.attempt > assignment.attempt:
            # The word of the earlier one's commit came so late that it counts as not accepted in time.
            self.credit += 1
            return
        if held is not None:
            self.settle(held)
        if not self.held and assignment.handed_at - self.pinged_at >= self.times.ping_at_work:
            # By the last Ping, which is old, its lease may seem to end before it hears of the next renewal.
            self.ping(assignment.handed_at)
        self.held[assignment.task_id] = HeldTask(
            assignment.key,
            assignment.task_id,
            assignment.attempt,
            assignment.lease_id,
            assignment.step,
            ids.show("lease", assignment.lease_id),
            handed_at=assignment.handed_at,
        )
        self.tell(assignment)

    def end(self, task_id: str, *, cancelled: bool) -> None:
        """Tell the agent that a task which it holds is over."""
        task = self.held.pop(task_id)
        if cancelled:
            self.tell(Cancelling(task_id, task.attempt, task.lease_id, "The workflow has no use for it any more."))
        else:
            self.tell(Lost(task_id, task.attempt, task.lease_id))

    @property
    def has_answered(self) -> bool:
        """Whether it gave a sign of life that its lease was not renewed on yet."""
        return self.last_pong > self.renewed_nonce

    def lose(self) -> None:
        """End the stream of a session that the database has closed: nothing that it says counts any more."""
        if not self.lost:
            self.lost = True
            self.fail(
                DeadlinePassed(
                    f"The session of agent {self.agent_id!r} is over: its lease ended, or it connected anew elsewhere. "
                    "Connect again, and name what is in flight.",
                    facts={"agent_id": self.agent_id},
                )
            )

    def ping(self, now: float) -> None:
        """Ask for a sign of life, telling on which one the lease was last renewed."""
        self.pinged_at = now
        if not self._ping_waits:  # whoever does not read what it is sent is not sent more of it
            self._ping_waits = True
            self.last_nonce += 1
            self.tell(Pinging(self.last_nonce, self.renewed_nonce))

    def ponged(self, nonce: int, now: float) -> None:
        """Take a sign of life."""
        if nonce > self.last_pong:
            self.last_pong = nonce
            self.ponged_at = now
            self.is_suspect = False

    def is_to_be_pinged(self, now: float) -> bool:
        """Return whether it is time to ask."""
        return now - self.pinged_at >= (self.times.ping_at_work if self.held else self.times.ping)

    def send_away(self, now: float, *, after_seconds: float) -> None:
        """Ask the agent to go on at another replica; what it holds it keeps."""
        if self.sent_away_at is None:
            self.sent_away_at = now
            self.draining = True
            self.tell(GoingAway(after_seconds))

    def look(self, now: float) -> None:
        """Do what time alone makes necessary: suspect and leave the silent, send away and leave the old."""
        silence, times = now - self.ponged_at, self.times
        self.is_suspect = silence >= times.suspicion
        if silence >= times.lease:
            self.fail(
                DeadlinePassed(
                    f"Agent {self.agent_id!r} has answered no Ping for {times.lease:g} s, which is a whole lease. "
                    "Its tasks go to others; connect again.",
                    facts={"agent_id": self.agent_id},
                )
            )
        elif self.sent_away_at is not None:
            if now - self.sent_away_at >= times.lease:
                self.finish()
        elif now - self.opened_at >= times.age_max * self.age_share:
            self.send_away(now, after_seconds=times.renewal)

    def reconcile(self, leases: Collection[uuid.UUID], among: Collection[uuid.UUID]) -> None:
        """Tell the agent which of the leases `among` it no longer has by the database's word.

        This covers what was revoked by another replica, and frames that were lost. Leases that came after the
        database was asked are not `among` them, not even of a task that was held before.
        """
        for task_id, task in list(self.held.items()):
            if task.lease_id in among and task.lease_id not in leases and not task.reported:
                del self.held[task_id]
                self.tell(Lost(task_id, task.attempt, task.lease_id))


class Waker(Protocol):
    """Somebody who gives out tasks."""

    def has_room(self, session: Session) -> None:
        """Look at once if something may wait for this agent."""
        ...


class Sessions:
    """All sessions of this replica."""

    def __init__(self) -> None:
        self._sessions: dict[uuid.UUID, Session] = {}
        self._by_agent: dict[str, dict[uuid.UUID, Session]] = {}
        self._on_ended_elsewhere: list[Callable[[str], None]] = []

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def call_on_ended_elsewhere(self, called: Callable[[str], None]) -> None:
        """Call this with each task that was ended for an agent which is not connected here, and may not know.

        That is never so for an output that was taken or sent back: it was the agent's own word, and is answered.
        """
        self._on_ended_elsewhere.append(called)

    def add(self, session: Session) -> None:
        """Begin to serve a session."""
        self._sessions[session.session_id] = session
        self._by_agent.setdefault(session.agent_id, {})[session.session_id] = session

    def supersede(self, session: Session) -> None:
        """End the older sessions of the same agent."""
        for other in list(self._by_agent.get(session.agent_id, {}).values()):
            if other is not session and other.tenant == session.tenant:
                other.lose()

    def remove(self, session: Session) -> None:
        """Stop serving a session."""
        self._sessions.pop(session.session_id, None)
        of_agent = self._by_agent.get(session.agent_id, {})
        of_agent.pop(session.session_id, None)
        if not of_agent:
            self._by_agent.pop(session.agent_id, None)

    def send_away(self, now: float) -> None:
        """Ask all agents to go on at another replica, one after the other."""
        for place, session in enumerate(self):
            session.send_away(now, after_seconds=seconds_away(place, len(self)))

    def get(self, session_id: uuid.UUID) -> Session | None:
        """Return a session, if it is served here."""
        return self._sessions.get(session_id)

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Tell agents that a task of theirs was ended by somebody else."""
        for change in changes:
            if not change.ended_tasks:
                continue
            ended = _last_attempts(change)
            answered = _answered(change)
            for task_id in change.ended_tasks:
                attempt, agent_id = ended.get(task_id, (_ANY, ""))
                holder = next(self._holding(task_id, agent_id), None)
                if holder is None:
                    if task_id not in answered:
                        for called in self._on_ended_elsewhere:
                            called(task_id)
                    continue
                task = holder.held[task_id]
                # The word of a commit may come late, when the next attempt is under way already.
                if not task.reported and task.attempt <= attempt:
                    holder.end(task_id, cancelled=task_id not in ended)

    def holding(self, task_id: str) -> Iterator[Session]:
        """Return the sessions whose agents hold a task by this replica's knowledge: one, or none."""
        return self._holding(task_id, "")

    def _holding(self, task_id: str, agent_id: str) -> Iterator[Session]:
        among = self._by_agent.get(agent_id, {}) if agent_id else self._sessions
        return (session for session in list(among.values()) if task_id in session.held)


_ANY = 1 << 31
"""More than any attempt."""


def _answered(change: Change) -> Set[str]:
    """Return the tasks whose agents said themselves how they ended, as far as only they can have said it."""
    return {event.task_id for event in change.events if isinstance(event, TaskCompleted | TaskRepairRequested)}


def _last_attempts(change: Change) -> Mapping[str, tuple[int, str]]:
    """Return the attempts that a commit ended and whose they were, by task.

    A task that was called off is ended whatever the attempt, and is left out.
    """
    ended: dict[str, tuple[int, str]] = {}
    for event in change.events:
        match event:
            case TaskCompleted() | TaskFailed() | TaskRepairRequested():
                ended[event.task_id] = event.attempt, event.agent_id
            case TaskCancelled(task_id=task_id):
                ended.pop(task_id, None)
            case _:
                pass
    return ended
