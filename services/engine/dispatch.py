"""Which agent of this replica takes a task: now, as it is made, or later, when there is room.

A task is born assigned when nothing older waits in its queue as far as this replica knows: its last look there found
less than it had room for, a short while ago, and nothing was seen to wait since. Otherwise it goes to the end of the
queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from archwright import ids
from archwright.language.model import Selection
from archwright.language.requirement import Requirement
from services.chassis.clock import Clock
from services.engine.breakers import BreakerGate
from services.engine.domain.effects import NewTask
from services.engine.ports.roster import KnownAgent, Roster
from services.engine.ports.store import Grant
from services.engine.sessions import Session, Sessions

PLATFORM = "platform"
"""The tenant of agents that serve all tenants."""


_UNBOUNDED = 1 << 31
_NEVER = float("-inf")


class Dispatch:
    """Reserves room at the agents of one replica."""

    def __init__(
        self, sessions: Sessions, roster: Roster, gate: BreakerGate, clock: Clock, *, trust_seconds: float
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._roster = roster
        self._clock = clock
        self._trust_seconds = trust_seconds
        self._empty_at: dict[str, float] = {}
        self._turns: dict[str, int] = {}
        self._served_by: dict[tuple[uuid.UUID, str], tuple[KnownAgent | None, bool]] = {}

    def grant(self, tenant: str, task: NewTask, selection: Selection) -> Grant | None:
        """Reserve room for a task that is about to be made; None when it has to wait its turn."""
        if not self.is_empty(task.queue):
            return None
        found = self._find(tenant, task.queue, task.prefers_agent, selection)
        if found is None:
            self.note_waiting(task.queue)  # what comes later waits behind it
            return None
        found.reserve()
        return Grant(found.session_id, ids.new_uuid())

    def release(self, grants: Mapping[str, Grant]) -> None:
        """Give up the room of tasks that were not made after all."""
        for grant in grants.values():
            session = self._sessions.get(grant.session_id)
            if session is not None:
                session.give_up()

    def is_empty(self, queue: str) -> bool:
        """Return whether nothing waited in a queue a short while ago, and nothing was seen to wait since."""
        return self._clock.monotonic() - self._empty_at.get(queue, _NEVER) <= self._trust_seconds

    def note_empty(self, queue: str) -> None:
        """Remember that nothing waits in a queue."""
        self._empty_at[queue] = self._clock.monotonic()

    def note_waiting(self, queue: str) -> None:
        """Remember that something waits in a queue."""
        self._empty_at.pop(queue, None)

    def with_room(self, tenant: str, queue: str) -> Sequence[Session]:
        """Return the sessions that may take a task of a tenant from a queue, and have room for one."""
        return [
            session
            for session in self._sessions
            if session.credit > 0 and self.may_take(session, tenant, queue) and self.room(session) > 0
        ]

    def room(self, session: Session) -> int:
        """Return how many more tasks an agent may be given: what it asked for, within what it registered for."""
        return min(session.credit, self.slots_max(session) - session.in_hand)

    def slots_max(self, session: Session) -> int:
        """Return how many tasks an agent may hold; what the registry has not told of yet is not bounded by its word."""
        told = self._roster.find(session.tenant, session.agent_id)
        return told.max_concurrent_tasks if told is not None and told.max_concurrent_tasks else _UNBOUNDED

    def may_take(self, session: Session, tenant: str, queue: str) -> bool:
        """Return whether a session's agent is given a tenant's tasks from a queue, if it has room."""
        return (
            session.tenant in (PLATFORM, tenant)
            and self._serves(session, queue)
            and self._is_willing(session)
            and not self._gate.is_open(tenant, session.agent_type)
        )

    def _find(self, tenant: str, queue: str, prefers_agent: str, selection: Selection) -> Session | None:
        # The trials of a half-open breaker are lent by the database, which a commit cannot wait for: those are claimed.
        able = [each for each in self.with_room(tenant, queue) if self._gate.is_closed(tenant, each.agent_type)]
        if not able:
            return None
        for session in able:
            if session.agent_id == prefers_agent:
                return session
        if selection is Selection.LEAST_CONNECTIONS:
            return min(able, key=lambda session: len(session.held))
        turn = self._turns[queue] = self._turns.get(queue, 0) + 1
        return able[turn % len(able)]

    def _serves(self, session: Session, queue: str) -> bool:
        if session.agent_type == queue:
            return True
        # What else is said of an agent only the registry knows, and it may say so late, or anew.
        told = self._roster.find(session.tenant, session.agent_id)
        known = self._served_by.get((session.session_id, queue))
        if known is None or known[0] is not told:
            labels = {} if told is None else told.labels
            offered = session.capabilities if told is None else (*session.capabilities, *told.capabilities)
            serves = Requirement.read(queue).is_met_by(session.agent_type, offered, labels)
            known = self._served_by[session.session_id, queue] = told, serves
        return known[1]

    def _is_willing(self, session: Session) -> bool:
        return (
            not session.draining
            and not session.lost
            and not session.is_suspect
            and self._roster.takes_new_work(session.tenant, session.agent_id)
        )
