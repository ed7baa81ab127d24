"""Rule 23: every step that was ever accepted is undone, the last one first, and told what came of it."""

from __future__ import annotations

from typing import Any

from storages import entry_of, fence_of

from archwright.language.model import ErrorCategory
from services.engine.assignments import input_of
from services.engine.domain.commands import FailTask


async def test_what_is_done_and_what_was_under_way_is_undone_backwards(storage: Any) -> None:
    stored = await storage.start(plan="undoing")
    [reserve] = await storage.claims(await storage.session())
    await storage.commit(storage.completing(stored, fence_of(reserve)))
    both = {each.step: each for each in await storage.claims(await storage.session(), 2)}
    await storage.board.accept([fence_of(each) for each in both.values()])

    stored = await storage.load(stored.key)
    await storage.commit(failing_for_good(storage, stored, fence_of(both["ship"])))

    undone = []
    for _ in range(2):
        stored = await storage.load(stored.key)
        [undoing] = await storage.claims(await storage.session())
        undone.append((undoing.step, input_of(stored, undoing.step)))
        await storage.commit(storage.completing(stored, fence_of(undoing)))
    assert undone == [
        ("pay.compensate/pay_compensate", b'{"outcome":"unknown"}'),
        ("reserve.compensate/reserve_compensate", b'{"outcome":"completed"}'),
    ]
    assert (await storage.load(stored.key)).workflow.status == "failed"


def failing_for_good(storage: Any, stored: Any, fence: Any) -> Any:
    words = (ErrorCategory.PERMANENT, "BROKEN", "it broke", 0.5)
    command = FailTask(storage.now(), fence.task_id, fence.attempt, "a1", *words)
    return entry_of(stored, command, fences=(fence,))
