"""Gives waiting tasks to agents of this replica that have room.

Most tasks never wait: they are born assigned. This duty is for the others. It looks whenever a commit made a task
that waits or an agent has room again, and now and then for what other replicas made. A claim moves as many tasks as
there are free slots in one statement.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence

from archwright import ids
from services.chassis.clock import Clock
from services.engine.assignments import Assigner
from services.engine.breakers import BreakerGate
from services.engine.dispatch import Dispatch
from services.engine.ports.commands import Change
from services.engine.ports.keys import Fence
from services.engine.ports.task_board import Claimed, Slot, TaskBoard
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
        gate: BreakerGate,
        clock: Clock,
        *,
        poll_seconds: float,
    ) -> None:
        self._board = board
        self._sessions = sessions
        self._assigner = assigner
        self._dispatch = dispatch
        self._gate = gate
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
        slots = await self._admitted(tenant, sessions, self._slots(sessions))
        if not slots:
            return
        claimed = await self._board.claim(queue, tenant, slots)
        await self._give_back(tenant, sessions, slots, claimed)
        if len(claimed) < len(slots):
            # What came to wait since is claimed at once by the next look. Were it let hold up what is born assigned,
            # then under load there would always be some, and every task would take the long way from then on.
            self._dispatch.note_empty(queue)
        for task in await self._assigner.hand_over(claimed):
            self._dispatch.note_waiting(queue)
            await self._board.give_back(Fence(task.task_id, task.attempt, task.lease_id), after_seconds=0)
        if len(claimed) == len(slots):
            self.wake()  # there may be more than one look's worth

    async def _admitted(self, tenant: str, sessions: Sequence[Session], slots: Sequence[Slot]) -> Sequence[Slot]:
        """Return the slots that breakers let tasks through to."""
        trying = self._trying(tenant, sessions)
        if not trying:
            return slots
        by_type = Counter(trying[slot.session_id] for slot in slots if slot.session_id in trying)
        left = {kind: await self._gate.admit(tenant, kind, wanted) for kind, wanted in by_type.items()}
        admitted: list[Slot] = []
        for slot in slots:
            kind = trying.get(slot.session_id)
            if kind is not None and left[kind] <= 0:
                continue
            if kind is not None:
                left[kind] -= 1
            admitted.append(slot)
        return admitted

    async def _give_back(
        self, tenant: str, sessions: Sequence[Session], slots: Sequence[Slot], claimed: Sequence[Claimed]
    ) -> None:
        """Return the trials that no task was there for."""
        if len(claimed) == len(slots):
            return
        trying = self._trying(tenant, sessions)
        unused = Counter(trying[slot.session_id] for slot in slots if slot.session_id in trying)
        unused.subtract(trying[task.session_id] for task in claimed if task.session_id in trying)
        for kind, count in unused.items():
            await self._gate.give_back(tenant, kind, count)

    def _trying(self, tenant: str, sessions: Sequence[Session]) -> dict[uuid.UUID, str]:
        """Return the sessions whose type's breaker is not closed, each with its type."""
        return {
            each.session_id: each.agent_type for each in sessions if not self._gate.is_closed(tenant, each.agent_type)
        }

    def _slots(self, sessions: Sequence[Session]) -> list[Slot]:
        """Return the free slots of the sessions in turn, so that each gets its share."""
        room = {session.session_id: self._dispatch.room(session) for session in sessions}
        slots: list[Slot] = []
        taken = 0
        while len(slots) < _SLOTS_MAX:
            free = [session_id for session_id, count in room.items() if count > taken]
            if not free:
                break
            slots.extend(Slot(session_id, ids.new_uuid()) for session_id in free)
            taken += 1
        return slots[:_SLOTS_MAX]
