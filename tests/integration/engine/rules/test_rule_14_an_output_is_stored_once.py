"""Rule 14: an output stands in history once and an input nowhere; it is made again from what history holds."""

from __future__ import annotations

import hashlib
from typing import Any

from rows_with import places_of

from services.engine.assignments import input_of
from services.engine.domain.workflow import OpenTask

MARK = "a word that nobody else says"


async def test_what_a_step_returned_and_the_next_is_given_stands_in_the_database_once(storage: Any, owner: Any) -> None:
    stored = await storage.start(plan="long")
    _, fence = await storage.claim()

    await storage.commit(storage.completing(stored, fence, {"text": MARK}))

    assert await places_of(owner, MARK) == ["history"]
    task = (await storage.load(stored.key)).workflow.open["s1"]
    assert isinstance(task, OpenTask)
    assert MARK in input_of(await storage.load(stored.key), "s1").decode()


async def test_the_input_is_made_of_the_workflows_and_the_step_before_and_history_has_its_hash(
    storage: Any, owner: Any
) -> None:
    stored = await storage.start(plan="long")
    for number in range(2):
        _, fence = await storage.claim()
        await storage.commit(storage.completing(stored, fence, {"n": number}))
        stored = await storage.load(stored.key)

    given = input_of(stored, "s2")

    assert given == b'{"s1":{"n":1},"topic":"tea"}'
    digest = hashlib.sha256(given).hexdigest()
    assert await places_of(owner, digest) == ["history"]
