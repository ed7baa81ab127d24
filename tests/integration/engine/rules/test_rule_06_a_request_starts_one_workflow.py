"""Rule 6: a start is known by its request_id, a result by (task, attempt, lease); neither costs a row of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from storages import TENANT, new_key


async def test_of_two_replicas_that_start_one_request_at_once_one_does(storage: Any, other_storage: Any) -> None:
    places = (storage, other_storage)
    keys = [new_key() for _ in places]

    written = await asyncio.gather(
        *(place.commit(place.beginning(key, "once")) for place, key in zip(places, keys, strict=True))
    )

    assert sorted(fate.verdict for [fate] in written) == ["exists", "won"]
    [winner] = [key for key, [fate] in zip(keys, written, strict=True) if fate.verdict == "won"]
    assert await storage.store.find_by_request(TENANT, "once") == (winner.workflow_id, b"hash")


async def test_a_start_and_a_result_are_remembered_by_no_row_of_their_own(storage: Any, counts: Any) -> None:
    await counts.begin()
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.completing(stored, fence))
    [again] = await storage.commit(storage.completing(stored, fence))

    assert again.verdict == "lost"
    assert {table for table, each in (await counts.since()).items() if each.inserted} == {
        *("workflows", "history", "open_tasks", "timers", "commits", "audit", "sessions")
    }
