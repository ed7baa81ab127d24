"""Who works on what, and those who give work out or take it back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from archwright.language.model import Priority
from services.engine.ports.keys import Fence, Key


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one task in one session."""

    session_id: uuid.UUID
    lease_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that is now assigned to a session."""

    key: Key
    task_id: str
    step: str
    priority: Priority
    attempt: int
    lease_id: uuid.UUID
    session_id: uuid.UUID
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Held:
    """An open task that a session holds, with the fence that says so."""

    key: Key
    step: str
    agent_id: str
    fence: Fence
    agent_type: str = ""
    seconds: float = 0.0
    """How long ago it was given to the agent, when this was read."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits in a queue, and since when."""

    queue: str
    waiting: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Picky:
    """A waiting task whose step said what to do when no agent is there."""

    key: Key
    task_id: str
    step: str
    queue: str


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose time has come."""

    key: Key
    name: str
    generation: int


class TaskBoard(Protocol):
    """Who works on what: open tasks and the sessions that hold them, on the database's clock."""

    async def open_session(
        self, session_id: uuid.UUID, agent_id: str, agent_type: str, tenant: str, keeping: Collection[Fence]
    ) -> tuple[Sequence[Held], Sequence[Held]]:
        """Begin a session and end the agent's older ones.

        Return which of `keeping` the new session holds now, and what the older ones held that it does not.
        """
        ...

    async def pull_session(
        self, agent_id: str, agent_type: str, tenant: str
    ) -> tuple[uuid.UUID, Sequence[Fence], Sequence[Held]]:
        """Return the session of an agent that holds no stream open, begun or renewed just now, and what it holds.

        No replica serves such a session, so any may be asked each time. Where it was begun, the agent's streams end;
        last comes what they held.
        """
        ...

    async def held_by(self, tenant: str, agent_id: str, fence: Fence) -> Held | None:
        """Return what an agent holds under this fence, its lease renewed where no stream does that; None if nothing."""
        ...

    async def tenant_of_work(self, agent_tenant: str, agent_id: str, workflow_id: str) -> str | None:
        """Return whose workflow it is that the agent holds a task of; None when it holds none."""
        ...

    async def renew(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Lengthen the leases of sessions that are still open; return them, each with the leases it holds."""
        ...

    async def leases(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Return the leases that sessions hold; a session that holds none is left out."""
        ...

    async def expire(self) -> Sequence[Held]:
        """Close sessions whose lease is over and return what closed sessions still hold."""
        ...

    async def close_session(self, session_id: uuid.UUID) -> None:
        """Forget a session that holds nothing."""
        ...

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        """Assign a tenant's tasks that wait in a queue to the slots: the most urgent first, then the oldest."""
        ...

    async def accept(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries were accepted; their time runs from now."""
        ...

    async def give_back(self, fence: Fence, *, after_seconds: float) -> None:
        """Let a task that was delivered in vain wait for another agent."""
        ...

    async def redeliver_unaccepted(self) -> int:
        """Let tasks whose agent did not accept in time wait for another; return how many."""
        ...

    async def overdue(self) -> Sequence[tuple[Held, Literal["execution", "idle", "queue"]]]:
        """Return open tasks that are out of time, and which time it was."""
        ...

    async def note_progress(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries are being worked on: their idle time begins anew."""
        ...

    async def waiting_queues(self) -> Sequence[tuple[str, str]]:
        """Return the queues in which tasks wait, each with the tenant whose tasks they are."""
        ...

    async def depths(self, tenant: str) -> Sequence[Depth]:
        """Return how many of a tenant's tasks wait for agents, by queue, the most first."""
        ...

    async def picky(self) -> Sequence[Picky]:
        """Return waiting tasks whose steps said what to do when no agent is there."""
        ...

    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        """Return timers whose time has come, and reserve them briefly."""
        ...

    async def drop_timer(self, timer: DueTimer) -> None:
        """Forget a timer that has become pointless."""
        ...


class Revoker(Protocol):
    """Takes tasks away from sessions that are over."""

    async def revoke(self, held: Sequence[Held]) -> None:
        """Fail these attempts, unless somebody was faster."""
        ...


class Acceptor(Protocol):
    """Notes which deliveries were accepted."""

    def accept(self, fence: Fence) -> None:
        """Note it soon."""
        ...

    def is_over(self, lease_id: uuid.UUID | None) -> None:
        """Note nothing of a delivery that has ended."""
        ...


class ProgressNotes(Protocol):
    """Notes which deliveries are being worked on, for steps that allow no long silence."""

    def note(self, fence: Fence) -> None:
        """Note it soon."""
        ...
