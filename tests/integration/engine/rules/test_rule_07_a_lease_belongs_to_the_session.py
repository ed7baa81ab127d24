"""Rule 7: renewing costs one row an agent, however much it holds; a ping tells of a renewal that was committed."""

from __future__ import annotations

from typing import Any

import pytest
from one_replica import replica_on
from storages import fence_of

from archwright.errors import DependencyUnavailable
from services.engine.loops.leases import LeaseRenewal
from services.engine.sessions import Pinging, Session


class BoardIsAway:
    """A task board whose database does not answer."""

    async def renew(self, session_ids: object) -> Any:
        raise DependencyUnavailable("the database is away")


def answers(session: Session) -> None:
    """The agent has answered seven Pings, and the next one is due."""
    session.last_nonce = 7
    session.ponged(7, session.opened_at)
    session.pinged_at -= 60


async def test_renewing_an_agent_that_holds_five_tasks_writes_one_row(storage: Any, counts: Any) -> None:
    for _ in range(5):
        await storage.start()
    session_id = await storage.session()
    await storage.claims(session_id, 5)
    await counts.begin()

    leases = await storage.board.renew([session_id])

    assert len(leases[session_id]) == 5
    done = await counts.since()
    assert {table: each.updated for table, each in done.items() if each.updated} == {"sessions": 1}


async def test_a_ping_names_the_pong_that_the_renewal_went_by(storage: Any) -> None:
    replica = replica_on(storage)
    session = replica.connect()
    session.session_id = await storage.session()
    answers(session)

    await replica.renewal.step()

    assert await session.take() == [Pinging(nonce=8, renewed_nonce=7)]


async def test_an_agent_that_has_not_answered_since_its_last_renewal_is_not_renewed(storage: Any) -> None:
    replica = replica_on(storage)
    session = replica.connect()
    session.session_id = await storage.session()
    answers(session)
    await replica.renewal.step()
    await storage.age(3600)

    await replica.renewal.step()

    assert (await storage.board.expire(), await storage.board.renew([session.session_id])) == ([], {})


async def test_no_ping_is_sent_for_a_renewal_that_was_not_committed(storage: Any) -> None:
    replica = replica_on(storage)
    session = replica.connect()
    answers(session)
    renewal = LeaseRenewal(BoardIsAway(), replica.sessions, storage.clock)  # type: ignore[arg-type]

    with pytest.raises(DependencyUnavailable):
        await renewal.step()

    assert session.last_nonce == 7
    assert not renewal.is_trustworthy


async def test_with_its_session_an_agent_loses_all_that_it_holds(storage: Any) -> None:
    for _ in range(3):
        await storage.start()
    session_id = await storage.session()
    fences = [fence_of(each) for each in await storage.claims(session_id, 3)]
    await storage.board.accept(fences)
    await storage.age(3600)

    assert {held.fence.task_id for held in await storage.board.expire()} == {fence.task_id for fence in fences}
