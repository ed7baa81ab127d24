"""Rule 12: what a reconnecting agent names and was leased moves to its new session; the rest is let go of."""

from __future__ import annotations

from typing import Any

from storages import fence_of

from archwright import ids


async def test_it_keeps_what_it_names_even_after_the_lease_ran_out_and_its_older_session_is_over(storage: Any) -> None:
    for _ in range(2):
        await storage.start()
    older = await storage.session()
    named, forgotten = [fence_of(each) for each in await storage.claims(older, 2)]
    await storage.board.accept([named, forgotten])
    await storage.age(3600)
    newer = ids.new_uuid()

    kept, left = await storage.board.open_session(newer, "a1", "writer", "platform", [named])

    assert [held.fence.task_id for held in kept] == [named.task_id]
    assert [(held.fence.task_id, held.fence.session_id) for held in left] == [(forgotten.task_id, older)]
    assert (await storage.board.renew([older, newer])).keys() == {newer}


async def test_the_result_of_what_it_kept_counts(storage: Any) -> None:
    stored = await storage.start()
    _, fence = await storage.claim("a1")
    await storage.session("a1", keeping=[fence])

    [written] = await storage.commit(storage.completing(stored, fence))

    assert written.verdict == "won"
