"""Gives waiting tasks to agents of this replica that have room.

It looks whenever a commit made a task or an agent granted credit, and now and then for what other replicas
made. A claim moves as many tasks as there are free slots in one statement; the input of each is computed from
the definition and the outputs that history holds.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence

import structlog

from archwright import ids
from services.chassis.clock import Clock
from services.engine.assignments import Assigner
from services.engine.live import Feed, TaskHanded
from services.engine.ports.commands import Change
from services.engine.ports.roster import Roster
from services.engine.ports.task_board import Slot, TaskBoard
from services.engine.sessions import Session, Sessions

log = structlog.get_logger(__name__)

_SLOTS_MAX = 500


class Claimer:
    """Fills free slots."""

    def __init__(
        self,
        board: TaskBoard,
        sessions: Sessions,
        assigner: Assigner,
        roster: Roster,
        feed: Feed,
        clock: Clock,
        *,
        poll_seconds: float,
    ) -> None:
        self._board = board
        self._sessions = sessions
        self._assigner = assigner
        self._roster = roster
        self._feed = feed
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: there may be something to give, or somebody to take it."""
        self._woken.set()

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Look at once when a commit made tasks."""
        if any(change.agent_types for change in changes):
            self.wake()

    async def step(self) -> None:
        """Wait for a reason to look, and fill the free slots of every kind of agent."""
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            pass  # nobody called: look for what other replicas made
        self._woken.clear()
        for (agent_type, tenant), sessions in self._sessions.with_room().items():
            willing = [session for session in sessions if self._roster.takes_new_work(tenant, session.agent_id)]
            if willing:
                await self._fill(agent_type, tenant, willing)

    async def _fill(self, agent_type: str, tenant: str, sessions: Sequence[Session]) -> None:
        slots = _slots(sessions)
        claimed = await self._board.claim(agent_type, tenant, slots)
        if not claimed:
            return
        by_id: Mapping[uuid.UUID, Session] = {session.session_id: session for session in sessions}
        for assignment, session_id in await self._assigner.assignments(claimed, self._clock.now()):
            session = by_id[session_id]
            session.credit -= 1
            session.assign(assignment)
            self._feed.progress(
                TaskHanded(
                    assignment.key,
                    assignment.task_id,
                    assignment.step,
                    agent_type,
                    session.agent_id,
                    assignment.attempt,
                )
            )
        if len(claimed) == len(slots):
            self.wake()  # there may be more than one look's worth


def _slots(sessions: Sequence[Session]) -> list[Slot]:
    """Return the free slots of the sessions in turn, so that each gets its share."""
    slots: list[Slot] = []
    taken = 0
    while len(slots) < _SLOTS_MAX:
        free = [session for session in sessions if session.credit > taken]
        if not free:
            break
        slots.extend(Slot(session.session_id, ids.new_uuid()) for session in free)
        taken += 1
    return slots[:_SLOTS_MAX]
