"""Rule 25: replicas borrow permits in chunks, never more than the limit together, and steps touch no counter."""

from __future__ import annotations

import asyncio
from typing import Any

from storages import TENANT

from services.engine.admission import CHUNK, Admission

LIMIT = 3 * CHUNK + 5


async def test_replicas_that_borrow_at_once_never_lend_more_than_the_limit(storage: Any, other_storage: Any) -> None:
    places = [Admission(each.quota, workflows_max=LIMIT, queue_depth_max=1) for each in (storage, other_storage)]

    admitted = await asyncio.gather(
        *(place.admit(TENANT, f"wf_{number}") for number in range(LIMIT) for place in places)
    )

    assert sum(admitted) == LIMIT


async def test_a_permit_costs_a_query_a_chunk_and_a_step_none(storage: Any, counts: Any) -> None:
    admission = Admission(storage.quota, workflows_max=LIMIT, queue_depth_max=1)
    await counts.begin()
    for number in range(CHUNK):
        assert await admission.admit(TENANT, f"wf_{number}")
    lent = await counts.since()
    assert lent["quotas"].inserted + lent["quotas"].updated <= 3

    await counts.begin()
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.completing(stored, fence))

    assert not {"quotas", "permits"} & {table for table, each in (await counts.since()).items() if each.updated}


async def test_what_a_dead_replica_had_borrowed_comes_back(storage: Any, other_storage: Any) -> None:
    dead = Admission(storage.quota, workflows_max=LIMIT, queue_depth_max=1)
    assert await dead.admit(TENANT, "wf_1")
    assert await other_storage.quota.borrow(TENANT, LIMIT, LIMIT) == LIMIT - CHUNK
    await other_storage.quota.give_back(TENANT, LIMIT - CHUNK)
    await storage.age(60)

    await other_storage.quota.recount(30)

    assert await other_storage.quota.borrow(TENANT, LIMIT, LIMIT) == LIMIT
