"""What every Census promises, on PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping

from storages import OTHER_TENANT, TENANT, Storage, new_key

from archwright.language.model import Priority
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.census import Counted


async def more_active(storage: Storage, before: Counted) -> Mapping[WorkflowStatus, int]:
    """Return how many more workflows are active than before: a database keeps those of other tests."""
    now = (await storage.census.count()).active
    more = {status: now.get(status, 0) - before.active.get(status, 0) for status in WorkflowStatus}
    return {status: count for status, count in more.items() if count}


async def test_waiting_tasks_are_counted_across_tenants_by_queue_and_priority(storage: Storage) -> None:
    await storage.start()
    await storage.start()
    await storage.start(tenant=OTHER_TENANT, plan="urgent")

    counted = await storage.census.count()

    assert counted.waiting == {("writer", Priority.NORMAL): 2, ("writer", Priority.CRITICAL): 1}


async def test_a_task_that_somebody_holds_does_not_wait(storage: Storage) -> None:
    await storage.start()
    await storage.claim()

    assert (await storage.census.count()).waiting == {}


async def test_workflows_are_active_until_they_end(storage: Storage) -> None:
    for tenant in (TENANT, OTHER_TENANT):
        await storage.quota.borrow(tenant, 1, 10)
    before = await storage.census.count()
    begun = await storage.start()
    await storage.start(tenant=OTHER_TENANT)
    assert await more_active(storage, before) == {WorkflowStatus.RUNNING: 2}

    await storage.commit(storage.cancelling(begun))

    assert await more_active(storage, before) == {WorkflowStatus.RUNNING: 1}


async def test_one_that_waits_for_a_permit_is_active_and_says_so(storage: Storage) -> None:
    await storage.quota.borrow(TENANT, 1, 10)
    before = await storage.census.count()
    entry = storage.beginning(key := new_key(), admitted=False)
    await storage.commit(entry)

    assert await more_active(storage, before) == {WorkflowStatus.PENDING: 1}
    assert (await storage.load(key)).workflow.status is WorkflowStatus.PENDING


async def test_the_outbox_lags_by_the_oldest_commit_that_nobody_published(storage: Storage) -> None:
    assert (await storage.census.count()).outbox_lag_seconds == 0
    await storage.start()
    await storage.age(30)
    await storage.start()

    assert 30 <= (await storage.census.count()).outbox_lag_seconds < 60

    left = [batch_id for batch_id, _ in await storage.store.publish_due(0)]
    await storage.store.mark_published(left)
    assert (await storage.census.count()).outbox_lag_seconds == 0
