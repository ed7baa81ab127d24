"""Tells other replicas what they may have to do with, and heeds what they tell.

A replica that made tasks which no agent of its own has room for, or ended one that no agent of its own holds, says so.
Whoever hears that looks for itself: a hint is never believed, only looked into, so a lost, late or false one changes
nothing but how soon. While Redis is away each replica finds the same by looking now and then.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import structlog

from archwright.errors import DependencyUnavailable
from services.chassis.clock import Clock
from services.engine.dispatch import Dispatch
from services.engine.loops.claimer import Claimer
from services.engine.ports.commands import Change
from services.engine.ports.hints import Hint, Hints
from services.engine.ports.task_board import TaskBoard
from services.engine.pulls import Pulls
from services.engine.sessions import Sessions

log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.003
"""What comes up within so long is told together."""
_AWAY_SECONDS = 2.0
_QUIET_SECONDS = 20.0
_LISTEN_SECONDS = 45.0
_NAMED_MAX = 1_000


class TellHints:
    """Gathers what others may have to do with, and tells them."""

    def __init__(self, hints: Hints, dispatch: Dispatch, sessions: Sessions, clock: Clock) -> None:
        self._hints = hints
        self._dispatch = dispatch
        self._clock = clock
        self._queues: set[tuple[str, str]] = set()
        self._ended: set[str] = set()
        self._something = asyncio.Event()
        self._is_away = False
        sessions.call_on_ended_elsewhere(self._note_ended)

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Note the queues in which a commit left tasks."""
        for change in changes:
            for queue in change.queues:
                if len(self._queues) < _NAMED_MAX:
                    self._queues.add((change.key.tenant, queue))
                    self._something.set()

    async def step(self) -> None:
        """Wait for something to tell, and tell it."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._something.wait()
        except TimeoutError:
            return
        await self._clock.sleep(GATHER_SECONDS)
        self._something.clear()
        queues, self._queues = self._queues, set()
        ended, self._ended = self._ended, set()
        # What an agent of ours has room for is claimed here at once.
        waiting = frozenset(each for each in queues if not self._dispatch.with_room(*each))
        if not waiting and not ended:
            return
        try:
            await self._hints.tell(Hint(waiting, frozenset(ended)))
        except DependencyUnavailable as away:
            if not self._is_away:
                log.warning("hints_not_told", cause=away.message)
            self._is_away = True
            await self._clock.sleep(_AWAY_SECONDS)
        else:
            if self._is_away:
                log.info("hints_told_again")
            self._is_away = False

    def _note_ended(self, task_id: str) -> None:
        if len(self._ended) < _NAMED_MAX:
            self._ended.add(task_id)
            self._something.set()


class HeedHints:
    """Looks at once into what another replica tells."""

    def __init__(
        self,
        hints: Hints,
        board: TaskBoard,
        dispatch: Dispatch,
        sessions: Sessions,
        claimer: Claimer,
        pulls: Pulls,
        clock: Clock,
    ) -> None:
        self._hints = hints
        self._board = board
        self._dispatch = dispatch
        self._sessions = sessions
        self._claimer = claimer
        self._pulls = pulls
        self._clock = clock
        self._is_away = False

    async def step(self) -> None:
        """Listen for a while: a connection that silently leads nowhere is left so in time."""
        try:
            async with asyncio.timeout(_LISTEN_SECONDS) as limit, self._hints.listen() as heard:
                self._found()
                async for hint in heard:
                    await self._heed(hint)
        except TimeoutError:
            if not limit.expired():
                raise
        except DependencyUnavailable as away:
            self._lost(away)
            await self._clock.sleep(_AWAY_SECONDS)

    def _found(self) -> None:
        """Rely on what others tell, and look once for what they told meanwhile."""
        if self._is_away:
            log.info("hints_heard_again")
        self._is_away, self._pulls.is_told = False, True
        self._pulls.ring()
        self._claimer.wake()

    def _lost(self, away: DependencyUnavailable) -> None:
        """Look as often as if nobody told anything."""
        if not self._is_away:
            log.warning("hints_not_heard", cause=away.message)
        self._is_away, self._pulls.is_told = True, False

    async def _heed(self, hint: Hint) -> None:
        # Who waits in a call for work looks for itself, at what it was given too.
        self._pulls.ring()
        if any(self._dispatch.with_room(*each) for each in hint.queues):
            self._claimer.wake()
        holders = {session.session_id: session for task_id in hint.ended for session in self._sessions.holding(task_id)}
        if holders:
            held = {key: {task.lease_id for task in session.held.values()} for key, session in holders.items()}
            leases = await self._board.leases(list(holders))
            for session_id, session in holders.items():
                session.reconcile(leases.get(session_id, ()), among=held[session_id])
