"""Rule 29: an output that does not fit goes back to its agent; its errors and hash are kept, and itself nowhere."""

from __future__ import annotations

import hashlib
from typing import Any

from rows_with import places_of

from services.engine.domain.workflow import OpenTask

MARK = "an output that nobody wants"
BAD = {"m": MARK}


async def test_the_same_agent_is_preferred_and_the_counter_stands_in_the_guarded_state(
    storage: Any, owner: Any
) -> None:
    stored = await storage.start(plan="strict")
    _, fence = await storage.claim("a1")

    await storage.commit(storage.completing(stored, fence, BAD))

    task = (await storage.load(stored.key)).workflow.open["draft"]
    assert isinstance(task, OpenTask)
    assert (task.repairs, task.failures, task.attempt) == (1, 0, 1)
    assert "is a required property" in task.errors[0]
    assert await owner.fetchval("SELECT prefers_agent FROM engine.open_tasks") == "a1"


async def test_of_the_bad_output_only_the_hash_is_kept(storage: Any, owner: Any) -> None:
    stored = await storage.start(plan="strict")
    _, fence = await storage.claim("a1")

    await storage.commit(storage.completing(stored, fence, BAD))

    assert await places_of(owner, MARK) == []
    digest = hashlib.sha256(f'{{"m":"{MARK}"}}'.encode()).hexdigest()
    assert "history" in await places_of(owner, digest)


async def test_the_repair_is_the_next_attempt_under_a_lease_of_its_own(storage: Any) -> None:
    stored = await storage.start(plan="strict")
    _, fence = await storage.claim("a1")
    await storage.commit(storage.completing(stored, fence, BAD))
    _, repair = await storage.claim("a1")

    assert repair.task_id == fence.task_id
    assert (repair.attempt, repair.lease_id != fence.lease_id) == (fence.attempt + 1, True)
    [written] = await storage.commit(storage.completing(await storage.load(stored.key), repair, {"n": 1}))
    assert written.verdict == "won"
