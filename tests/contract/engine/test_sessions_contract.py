"""What every TaskBoard promises about sessions and leases, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace
from storages import LEASE_SECONDS, OTHER_TENANT, TENANT, Storage, fence_of

from archwright import ids
from services.chassis.clock import SystemClock
from services.engine.ports.task_board import Held


async def expired(storage: Storage) -> Sequence[Held]:
    """Return what closed sessions still hold. Nothing expires before the database was up for a lease."""
    async with asyncio.timeout(5):
        while not (held := await storage.board.expire()):
            await SystemClock().sleep(0.05)
    return held


async def test_a_reconnecting_agent_keeps_what_it_holds(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()
    again = ids.new_uuid()

    kept, left = await storage.board.open_session(again, "a1", "writer", "platform", [fence])

    assert [(held.fence, held.agent_id, held.step) for held in kept] == [(fence, "a1", "draft")]
    assert not left
    assert await storage.board.renew([again]) == {again: {fence.lease_id}}


async def test_an_agent_keeps_nothing_that_another_was_leased(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim("a1")

    kept, left = await storage.board.open_session(ids.new_uuid(), "thief", "writer", "platform", [fence])

    assert not kept
    assert not left
    assert await storage.board.renew([session]) == {session: {fence.lease_id}}


async def test_an_agent_of_the_same_name_of_another_tenant_is_another_agent(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim("a1")

    kept, left = await storage.board.open_session(ids.new_uuid(), "a1", "writer", TENANT, [fence])

    assert not kept
    assert not left
    assert session in await storage.board.renew([session])


async def test_an_agent_keeps_nothing_under_a_lease_that_it_does_not_have(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    wrong = [replace(fence, lease_id=ids.new_uuid()), replace(fence, attempt=fence.attempt + 1)]

    kept, left = await storage.board.open_session(ids.new_uuid(), "a1", "writer", "platform", wrong)

    assert not kept
    assert [held.fence.task_id for held in left] == [fence.task_id]


async def test_an_agent_that_comes_back_without_its_task_leaves_it_to_be_revoked_from_the_older_session(
    storage: Storage,
) -> None:
    await storage.start()
    session, fence = await storage.claim()
    await storage.board.accept([fence])

    _, left = await storage.board.open_session(ids.new_uuid(), "a1", "writer", "platform", [])

    assert [held.fence for held in left] == [replace(fence, session_id=session)]


async def test_what_was_never_accepted_goes_back_without_a_charge(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()

    _, left = await storage.board.open_session(ids.new_uuid(), "a1", "writer", "platform", [])

    assert not left
    _, again = await storage.claim("a2")
    assert (again.task_id, again.attempt) == (fence.task_id, fence.attempt + 1)
    assert again.lease_id != fence.lease_id


async def test_a_new_session_ends_the_agents_older_ones(storage: Storage) -> None:
    older = await storage.session("a1")
    stranger = await storage.session("a2")

    newer = await storage.session("a1")

    assert set(await storage.board.renew([older, newer, stranger])) == {newer, stranger}


async def test_a_lease_that_expired_but_was_not_revoked_may_be_kept(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(LEASE_SECONDS + 1)
    await expired(storage)

    kept, _ = await storage.board.open_session(ids.new_uuid(), "a1", "writer", "platform", [fence])

    assert [held.fence for held in kept] == [fence]


async def test_an_expired_session_is_closed_and_says_what_it_holds(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(LEASE_SECONDS + 1)

    held = await expired(storage)

    assert [each.fence for each in held] == [replace(fence, session_id=session)]
    assert session not in await storage.board.renew([session])


async def test_what_an_expired_session_holds_is_told_until_it_is_revoked(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(LEASE_SECONDS + 1)
    await expired(storage)

    [again] = await storage.board.expire()
    assert (await storage.commit(storage.cancelling(stored, again.fence)))[0].verdict == "won"

    assert not await storage.board.expire()


async def test_an_expired_session_gives_back_what_it_never_accepted(storage: Storage) -> None:
    await storage.start()
    await storage.start()
    session = await storage.session()
    accepted, delivered = await storage.claims(session, 2)
    await storage.board.accept([fence_of(accepted)])
    await storage.age(LEASE_SECONDS + 1)

    held = await expired(storage)

    assert [each.fence.task_id for each in held] == [accepted.task_id]
    _, again = await storage.claim("a2")
    assert (again.task_id, again.attempt) == (delivered.task_id, 2)


async def test_a_renewed_session_does_not_expire(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(LEASE_SECONDS * 0.6)
    await storage.board.renew([session])
    await storage.age(LEASE_SECONDS * 0.6)

    assert not await storage.board.expire()
    assert session in await storage.board.renew([session])


async def test_renewing_tells_the_leases_that_each_session_holds(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim()
    idle = await storage.session("a2")

    leases = await storage.board.renew([session, idle, ids.new_uuid()])

    assert leases == {session: {fence.lease_id}, idle: set()}


async def test_renewing_nobody_is_no_trouble(storage: Storage) -> None:
    assert not await storage.board.renew([])


async def test_a_session_that_holds_something_is_not_forgotten(storage: Storage) -> None:
    await storage.start()
    holding, _ = await storage.claim()
    idle = await storage.session("a2")

    await storage.board.close_session(holding)
    await storage.board.close_session(idle)
    await storage.board.close_session(ids.new_uuid())

    assert set(await storage.board.renew([holding, idle])) == {holding}


async def test_an_agent_works_for_the_tenant_whose_task_it_holds(storage: Storage) -> None:
    stored = await storage.start(tenant=OTHER_TENANT)
    workflow_id = stored.key.workflow_id
    before = await storage.board.tenant_of_work("platform", "a1", workflow_id)
    await storage.claim("a1", tenant=OTHER_TENANT)

    assert before is None
    assert await storage.board.tenant_of_work("platform", "a1", workflow_id) == OTHER_TENANT
    assert await storage.board.tenant_of_work("platform", "a2", workflow_id) is None
    assert await storage.board.tenant_of_work(TENANT, "a1", workflow_id) is None


async def test_an_agent_that_pulls_has_one_session_however_often_it_asks(storage: Storage) -> None:
    session, held, _ = await storage.board.pull_session("a1", "writer", "platform")
    await storage.start()
    [claimed] = await storage.claims(session)

    again, still, _ = await storage.board.pull_session("a1", "writer", "platform")

    assert again == session
    assert list(held) == []
    assert list(still) == [fence_of(claimed)]


async def test_calls_that_begin_to_pull_at_once_share_a_session(storage: Storage) -> None:
    begun = await asyncio.gather(*(storage.board.pull_session("a1", "writer", "platform") for _ in range(4)))

    assert len({session for session, _, _ in begun}) == 1


async def test_pulling_ends_the_streams_of_its_agent_and_a_stream_ends_the_pulling(storage: Storage) -> None:
    await storage.start()
    streaming, fence = await storage.claim("a1")
    await storage.board.accept([fence])

    pulling, _, left = await storage.board.pull_session("a1", "writer", "platform")
    assert [(held.fence.task_id, held.fence.session_id) for held in left] == [(fence.task_id, streaming)]
    assert await storage.board.renew([streaming]) == {}

    await storage.session("a1")
    anew, _, _ = await storage.board.pull_session("a1", "writer", "platform")
    assert anew != pulling


async def test_what_an_agent_holds_is_found_under_its_fence_and_no_other(storage: Storage) -> None:
    await storage.start()
    session, _, _ = await storage.board.pull_session("a1", "writer", "platform")
    [claimed] = await storage.claims(session)
    fence = fence_of(claimed)

    found = await storage.board.held_by("platform", "a1", fence)

    assert found is not None
    assert (found.key, found.step, found.fence) == (claimed.key, claimed.step, fence)
    assert await storage.board.held_by("platform", "thief", fence) is None
    assert await storage.board.held_by(TENANT, "a1", fence) is None
    assert await storage.board.held_by("platform", "a1", replace(fence, lease_id=ids.new_uuid())) is None
    assert await storage.board.held_by("platform", "a1", replace(fence, attempt=fence.attempt + 1)) is None


async def test_a_call_about_a_task_renews_the_lease_of_an_agent_that_pulls_and_not_of_a_stream(
    storage: Storage,
) -> None:
    for _ in range(2):
        await storage.start()
    pulling, _, _ = await storage.board.pull_session("a1", "writer", "platform")
    [claimed] = await storage.claims(pulling)
    _, streamed = await storage.claim("a2")
    await storage.board.accept([fence_of(claimed), streamed])
    await storage.age(LEASE_SECONDS + 1)

    await storage.board.held_by("platform", "a1", fence_of(claimed))
    await storage.board.held_by("platform", "a2", streamed)

    assert [held.agent_id for held in await expired(storage)] == ["a2"]
