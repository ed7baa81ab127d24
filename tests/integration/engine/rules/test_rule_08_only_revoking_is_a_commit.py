"""Rule 8: giving out, accepting and renewing touch the task's row alone; only what ends an attempt is a commit."""

from __future__ import annotations

from typing import Any

from storages import fence_of

from services.engine.domain.workflow import OpenTask


async def test_a_task_is_given_out_accepted_and_given_back_without_its_workflow(storage: Any, counts: Any) -> None:
    stored = await storage.start()
    await counts.begin()
    session_id = await storage.session()
    [claimed] = await storage.claims(session_id)
    await storage.board.accept([fence_of(claimed)])
    await storage.board.renew([session_id])
    await storage.board.give_back(fence_of(claimed), after_seconds=0)

    written = {table: each for table, each in (await counts.since()).items() if each.inserted or each.updated}
    assert set(written) == {"open_tasks", "sessions"}
    assert await storage.load(stored.key) == stored


async def test_what_no_agent_accepted_goes_out_again_under_another_lease_and_counts_as_no_failure(storage: Any) -> None:
    stored = await storage.start()
    _, first = await storage.claim("a1")
    await storage.age(5)
    assert await storage.board.redeliver_unaccepted() == 1

    _, second = await storage.claim("a2")

    assert (second.task_id, second.attempt) == (first.task_id, first.attempt + 1)
    assert second.lease_id != first.lease_id
    task = (await storage.load(stored.key)).workflow.open["draft"]
    assert isinstance(task, OpenTask)
    assert (task.failures, task.attempt) == (0, 0)


async def test_a_result_of_the_lease_before_is_fenced_whatever_version_it_names(storage: Any) -> None:
    stored = await storage.start()
    _, first = await storage.claim("a1")
    await storage.age(5)
    await storage.board.redeliver_unaccepted()
    [early] = await storage.commit(storage.completing(stored, first))
    _, second = await storage.claim("a2")

    [late] = await storage.commit(storage.completing(stored, first))
    [good] = await storage.commit(storage.completing(stored, second))

    assert (early.verdict, late.verdict, good.verdict) == ("fenced", "fenced", "won")
    assert (await storage.load(stored.key)).version == stored.version + 1
