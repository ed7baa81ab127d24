"""Renews the leases of agents that answer, and asks every agent for a sign of life.

A lease belongs to the session, so renewing costs one row per agent however many tasks it holds. It is renewed once
for each Pong: an agent that stopped answering loses it one lease after its last word, and not later because we kept
on renewing. A Ping is sent only after the renewal was committed, and names the Pong that the renewal went by: the
agent counts its lease from when it sent that Pong, which is never later than we counted it.

What an agent lost to another replica it is told at each look, whether its lease was renewed or not.
"""

from __future__ import annotations

import structlog

from services.chassis.clock import Clock
from services.engine.ports.task_board import TaskBoard
from services.engine.sessions import Sessions

log = structlog.get_logger(__name__)


class LeaseRenewal:
    """Keeps the sessions of this replica alive."""

    def __init__(self, board: TaskBoard, sessions: Sessions, clock: Clock) -> None:
        self._board = board
        self._sessions = sessions
        self._clock = clock
        self._good_rounds = 0

    @property
    def is_trustworthy(self) -> bool:
        """Whether the last two rounds succeeded: only then may this replica declare others' leases expired."""
        return self._good_rounds >= 2

    async def step(self) -> None:
        """Renew the sessions that answered, tell them what they lost, and ping those whose turn it is."""
        now = self._clock.monotonic()
        for session in self._sessions:
            session.look(now)
        alive = [session for session in self._sessions if session.has_answered]
        at_work = [session for session in self._sessions if session.held and not session.has_answered]
        held = {each.session_id: {task.lease_id for task in each.held.values()} for each in (*alive, *at_work)}
        pongs = {session.session_id: session.last_pong for session in alive}
        self._good_rounds, rounds = 0, self._good_rounds
        renewed = await self._board.renew(list(pongs))
        leases = await self._board.leases([session.session_id for session in at_work]) if at_work else {}
        self._good_rounds = rounds + 1
        for session in alive:
            if session.session_id not in renewed:
                log.warning("session_lost", agent_id=session.agent_id, session_id=str(session.session_id))
                session.lose()
                continue
            session.reconcile(renewed[session.session_id], among=held[session.session_id])
            session.renewed_nonce = pongs[session.session_id]
        for session in at_work:
            session.reconcile(leases.get(session.session_id, ()), among=held[session.session_id])
        for session in self._sessions:
            if session.is_to_be_pinged(now):
                session.ping(now)
