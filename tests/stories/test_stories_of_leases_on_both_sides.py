"""The lease as the engine counts it in its store, and as the agent does by what it hears."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from storages import LEASE_SECONDS, TENANT, MemoryStorage

from archwright.sdk.lease import LeaseClock
from services.engine.loops.leases import LeaseRenewal
from services.engine.sessions import Assignment, Outgoing, Pinging, Session, Sessions, SessionTimes

TIMES = SessionTimes(LEASE_SECONDS, renewal=LEASE_SECONDS / 15)
INSTANTS_PER_LOOK = 10
INSTANT = TIMES.renewal / INSTANTS_PER_LOOK
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def heard(session: Session) -> list[Outgoing]:
    """Return what the engine has said by now."""
    taking = asyncio.ensure_future(session.take())
    await asyncio.wait({taking}, timeout=0)
    return taking.result() if taking.done() or not taking.cancel() else []


@pytest.mark.parametrize("idle_instants", range(0, 150, 3))
async def test_whenever_an_idle_agent_is_given_a_task_it_knows_that_it_has_its_lease(idle_instants: int) -> None:
    storage = MemoryStorage()
    clock, sessions, agent = storage.clock, Sessions(), LeaseClock()
    renewal = LeaseRenewal(storage.board, sessions, clock)
    session = Session(await storage.session(), "a1", "writer", TENANT)
    session.open(clock.monotonic(), TIMES)
    agent.grant(LEASE_SECONDS, clock.monotonic())
    sessions.add(session)
    was_given = False

    for instant in range(idle_instants + 300):
        if instant == idle_instants:
            await storage.start()
            [claimed] = await storage.claims(session.session_id, 1)
            session.assign(
                Assignment(
                    *(claimed.key, claimed.task_id, claimed.attempt, claimed.lease_id, claimed.step, "write"),
                    *(b"{}", b"{}", NOON, 0),
                    handed_at=clock.monotonic(),
                )
            )
        if instant % INSTANTS_PER_LOOK == 0:
            await renewal.step()
        for frame in await heard(session):
            if isinstance(frame, Pinging):
                agent.renewed(frame.renewed_nonce)
                agent.ponged(frame.nonce, clock.monotonic())
                session.ponged(frame.nonce, clock.monotonic())
            was_given |= isinstance(frame, Assignment)
            assert not (was_given and agent.has_passed(clock.monotonic())), f"{instant - idle_instants} instants later"
        assert not (was_given and agent.has_passed(clock.monotonic())), f"{instant - idle_instants} instants later"
        await storage.age(INSTANT)

    assert was_given
    assert session.held, "the store took it away"
    assert await storage.board.expire() == []
