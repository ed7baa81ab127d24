"""What every TaskBoard promises about giving tasks out and taking them back, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace
from storages import ACCEPT_SECONDS, OTHER_TENANT, TENANT, Storage, fence_of

from archwright import ids
from archwright.language.model import Priority
from services.engine.ports.task_board import Slot


async def test_a_claimed_task_says_all_that_its_agent_must_know(storage: Storage) -> None:
    stored = await storage.start()
    session = await storage.session()

    [claimed] = await storage.claims(session)

    assert (claimed.key, claimed.step, claimed.attempt, claimed.session_id) == (stored.key, "draft", 1, session)
    assert (claimed.priority, claimed.timeout_seconds) == (Priority.NORMAL, 30)
    assert [task.task_id for task in await storage.store.open_tasks(stored.key)] == [claimed.task_id]


async def test_the_older_task_is_claimed_first(storage: Storage) -> None:
    stored = []
    for _ in range(3):
        stored.append(await storage.start())
        await storage.age(1)
    session = await storage.session()

    claimed = await storage.claims(session, 2)

    assert {task.key for task in claimed} == {stored[0].key, stored[1].key}


async def test_the_more_urgent_task_is_claimed_before_older_ones(storage: Storage) -> None:
    await storage.start()
    await storage.age(1)
    urgent = await storage.start(plan="urgent")
    session = await storage.session()

    [claimed] = await storage.claims(session)

    assert (claimed.key, claimed.priority) == (urgent.key, Priority.CRITICAL)


async def test_a_claim_fills_no_more_slots_than_there_are_and_gives_no_task_twice(storage: Storage) -> None:
    for _ in range(6):
        await storage.start()
    sessions = [await storage.session(f"a{n}") for n in range(4)]

    claimed = await asyncio.gather(*(storage.claims(session, 2) for session in sessions))

    assert all(len(each) <= 2 for each in claimed)
    task_ids = [task.task_id for each in claimed for task in each]
    assert len(task_ids) == len(set(task_ids)) == 6


async def test_an_agent_gets_tasks_of_its_type_only(storage: Storage) -> None:
    await storage.start()
    session = await storage.session(agent_type="editor")

    assert not await storage.board.claim("editor", TENANT, [Slot(session, ids.new_uuid())])


async def test_a_claim_is_for_one_tenants_tasks(storage: Storage) -> None:
    await storage.start(tenant=OTHER_TENANT)
    mine = await storage.start(tenant=TENANT)
    session = await storage.session()

    claimed = await storage.claims(session, 2, tenant=TENANT)

    assert [task.key for task in claimed] == [mine.key]


async def test_the_queues_in_which_tasks_wait_are_told_with_whose_tasks_they_are(storage: Storage) -> None:
    await storage.start()
    await storage.start()
    await storage.start(tenant=OTHER_TENANT)
    _, fence = await storage.claim(tenant=OTHER_TENANT)
    await storage.board.give_back(fence, after_seconds=5)

    before = set(await storage.board.waiting_queues())
    await storage.age(6)

    assert before == {(TENANT, "writer")}
    assert set(await storage.board.waiting_queues()) == {(TENANT, "writer"), (OTHER_TENANT, "writer")}


async def test_what_no_agent_accepts_in_time_goes_to_another_and_costs_no_attempt(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    assert await storage.board.redeliver_unaccepted() == 0
    await storage.age(ACCEPT_SECONDS + 1)

    assert await storage.board.redeliver_unaccepted() == 1

    _, again = await storage.claim("a2")
    assert again.task_id == fence.task_id
    assert again.lease_id != fence.lease_id
    assert (await storage.load(stored.key)).version == stored.version


async def test_what_was_accepted_stays_where_it_is(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(ACCEPT_SECONDS + 1)

    assert await storage.board.redeliver_unaccepted() == 0
    assert not await storage.claims(await storage.session("a2"))


async def test_accepting_under_an_older_lease_changes_nothing(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()

    await storage.board.accept([replace(fence, lease_id=ids.new_uuid())])

    [task] = await storage.store.open_tasks(stored.key)
    assert task.status == "assigned"


async def test_many_acceptances_are_noted_at_once(storage: Storage) -> None:
    for _ in range(3):
        await storage.start()
    claimed = await storage.claims(await storage.session(), 3)

    await storage.board.accept([fence_of(task) for task in claimed])
    await storage.board.accept([])
    await storage.age(ACCEPT_SECONDS + 1)

    assert await storage.board.redeliver_unaccepted() == 0


async def test_a_task_that_is_given_back_waits_as_long_as_it_was_asked_to(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim()

    await storage.board.give_back(fence, after_seconds=5)

    assert not await storage.claims(session)
    await storage.age(6)
    [again] = await storage.claims(session)
    assert (again.task_id, again.attempt) == (fence.task_id, fence.attempt + 1)


async def test_nothing_is_given_back_under_an_older_lease(storage: Storage) -> None:
    await storage.start()
    session, fence = await storage.claim()

    await storage.board.give_back(replace(fence, lease_id=ids.new_uuid()), after_seconds=0)

    assert await storage.board.renew([session]) == {session: {fence.lease_id}}


async def test_a_queue_is_as_deep_as_tasks_of_the_tenant_wait_in_it(storage: Storage) -> None:
    assert list(await storage.board.depths(TENANT)) == []
    for _ in range(3):
        await storage.start()
    await storage.claim()

    [depth] = await storage.board.depths(TENANT)

    assert (depth.queue, depth.waiting) == ("writer", 2)
    assert depth.oldest_at <= storage.now()
    assert list(await storage.board.depths(OTHER_TENANT)) == []
