"""Gives waiting tasks to agents of this replica that have room.

Most tasks never wait: they are born assigned. This duty is for the others. It looks whenever a commit made a task
that waits or an agent has room again, and now and then for what other replicas made. A claim moves as many tasks as
there are free slots in one statement.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from archwright import ids
from services.chassis.clock import Clock
from services.engine.assignments import Assigner
from services.engine.dispatch import Dispatch
from services.engine.ports.commands import Change
from services.engine.ports.task_board import Slot, TaskBoard
from services.engine.sessions import Session, Sessions

_SLOTS_MAX = 500


class Claimer:
    """Fills free slots."""

    def __init__(
        self,
        board: TaskBoard,
        sessions: Sessions,
        assigner: Assigner,
        dispatch: Dispatch,
        clock: Clock,
        *,
        poll_seconds: float,
    ) -> None:
        self._board = board
        self._sessions = sessions
        self._assigner = assigner
        self._dispatch = dispatch
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: there may be something to give, or somebody to take it."""
        self._woken.set()

    def has_room(self, session: Session) -> None:
        """Look at once if something may wait for this agent."""
        if not self._dispatch.is_empty(session.agent_type):
            self._woken.set()

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Look at once when a commit made tasks that wait."""
        for change in changes:
            for queue in change.queues:
                self._dispatch.note_waiting(queue)
                self._woken.set()

    async def step(self) -> None:
        """Wait for a reason to look, and fill the free slots."""
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            pass  # nobody called: look for what other replicas made
        self._woken.clear()
        if not len(self._sessions):
            return
        waiting = await self._board.waiting_queues()
        for queue in {session.agent_type for session in self._sessions} - {queue for _, queue in waiting}:
            self._dispatch.note_empty(queue)
        for tenant, queue in waiting:
            await self._fill(tenant, queue)

    async def _fill(self, tenant: str, queue: str) -> None:
        sessions = self._dispatch.with_room(tenant, queue)
        if not sessions:
            return
        slots = _slots(sessions)
        claimed = await self._board.claim(queue, tenant, slots)
        if len(claimed) < len(slots):
            # What came to wait since is claimed at once by the next look. Were it let hold up what is born assigned,
            # then under load there would always be some, and every task would take the long way from then on.
            self._dispatch.note_empty(queue)
        await self._assigner.hand_over(claimed)
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
