"""What every Quota promises, on PostgreSQL and in memory."""

from __future__ import annotations

from storages import OTHER_TENANT, TENANT, Storage, new_key

from services.engine.ports.keys import Key


async def waiting(storage: Storage) -> Key:
    """Start a workflow for which there is no room."""
    key = new_key()
    [written] = await storage.commit(storage.beginning(key, admitted=False))
    assert written.verdict == "won"
    return key


async def test_no_more_is_lent_than_the_limit(storage: Storage) -> None:
    assert await storage.quota.borrow(TENANT, 3, 5) == 3
    assert await storage.quota.borrow(TENANT, 3, 5) == 2
    assert await storage.quota.borrow(TENANT, 3, 5) == 0


async def test_tenants_borrow_apart(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)

    assert await storage.quota.borrow(OTHER_TENANT, 5, 5) == 5


async def test_what_is_given_back_may_be_borrowed_again(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)

    await storage.quota.give_back(TENANT, 2)

    assert await storage.quota.borrow(TENANT, 5, 5) == 2


async def test_work_under_way_counts_whatever_the_limit(storage: Storage) -> None:
    await storage.quota.owe(TENANT, 7)

    assert await storage.quota.borrow(TENANT, 1, 5) == 0


async def test_who_leaves_returns_at_once_what_it_does_not_use(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)
    await storage.quota.borrow(OTHER_TENANT, 5, 5)

    await storage.quota.leave({TENANT: 3})

    assert await storage.quota.borrow(TENANT, 5, 5) == 3
    assert await storage.quota.borrow(OTHER_TENANT, 5, 5) == 0


async def test_the_permits_of_a_dead_replica_come_back(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)
    await storage.quota.report({TENANT: 5})
    assert await storage.quota.recount(30) == []

    await storage.age(31)

    assert await storage.quota.recount(30) == [TENANT]
    assert await storage.quota.borrow(TENANT, 5, 5) == 5


async def test_the_permits_of_a_replica_that_died_before_its_first_report_come_back_too(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)

    await storage.age(31)
    await storage.quota.recount(30)

    assert await storage.quota.borrow(TENANT, 5, 5) == 5


async def test_a_workflow_under_way_keeps_its_permit_when_its_replica_dies(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)
    await storage.start()
    await storage.quota.report({TENANT: 4})

    await storage.age(31)
    await storage.quota.recount(30)

    assert await storage.quota.borrow(TENANT, 5, 5) == 4


async def test_permits_of_which_no_replica_knows_come_back_where_somebody_waits(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 5, 5)
    await storage.quota.report({TENANT: 0})  # the answer was lost
    await waiting(storage)

    await storage.quota.recount(30)

    assert await storage.quota.borrow(TENANT, 5, 5) == 5


async def test_who_has_waited_longest_for_a_permit_comes_first(storage: Storage) -> None:
    keys = []
    for _ in range(3):
        keys.append(await waiting(storage))
        await storage.age(1)

    assert await storage.quota.tenants_waiting() == [TENANT]
    assert await storage.quota.waiting(TENANT, 2) == keys[:2]
    assert await storage.quota.waiting(OTHER_TENANT, 2) == []


async def test_waiting_for_a_permit_is_no_timer_that_fires(storage: Storage) -> None:
    await waiting(storage)
    await storage.age(10_000)

    assert not await storage.board.due_timers(10)


async def test_depth_is_what_waits_for_agents_and_for_permits(storage: Storage) -> None:
    await storage.start()
    await storage.start()
    await storage.claim_one()
    await waiting(storage)

    assert await storage.quota.depths() == {TENANT: 2}
