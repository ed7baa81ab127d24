"""Rule 11: a pause and a cancel change waiting tasks' rows in their own commit, so a claim wins or loses whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from storages import TENANT, entry_of

from archwright import ids
from services.engine.domain.commands import CancelWorkflow, PauseWorkflow
from services.engine.ports.task_board import Slot
from services.engine.sessions import Assignment, Lost

ROUNDS = 10


@pytest.mark.parametrize(("command", "left"), [(PauseWorkflow, 4), (CancelWorkflow, None)], ids=["pause", "cancel"])
async def test_each_task_is_claimed_or_taken_out_of_its_queue_and_never_both(
    storage: Any, other_storage: Any, owner: Any, command: Any, left: int | None
) -> None:
    session_id = await other_storage.session()
    for _ in range(ROUNDS):
        stored = [await storage.start() for _ in range(6)]
        slots = [Slot(session_id, ids.new_uuid()) for _ in range(3)]
        entries = [entry_of(each, command(storage.now(), "ann", "")) for each in stored]

        written, claimed = await asyncio.gather(
            storage.commit(*entries), other_storage.board.claim("writer", TENANT, slots)
        )

        assert {fate.verdict for fate in written} == {"won"}
        status = await statuses(owner, stored)
        taken = {each.key for each in claimed}
        for each in stored:
            # A task that was claimed first stays its agent's in a pause, and is ended by a cancel.
            expected = 2 if each.key in taken and left is not None else left
            assert status.get(ids.read("wf", each.key.workflow_id)) == expected
        await owner.execute("TRUNCATE engine.open_tasks")


async def test_the_next_renewal_tells_an_agent_what_was_taken_from_it_by_another_replica(
    replica: Any, storage: Any, other_storage: Any
) -> None:
    stored = await storage.start()
    session = replica.connect()
    session_id = await storage.session(tenant=TENANT)
    session.session_id = session_id
    [claimed] = await storage.claims(session_id)
    session.assign(assignment(claimed))
    session.ping(storage.clock.monotonic())
    session.ponged(1, storage.clock.monotonic())
    await other_storage.commit(other_storage.cancelling(stored))

    await replica.renewal.step()

    assert (await session.take())[-1] == Lost(claimed.task_id, claimed.attempt, claimed.lease_id)


def assignment(claimed: Any) -> Assignment:
    told = (claimed.key, claimed.task_id, claimed.attempt, claimed.lease_id, claimed.step)
    return Assignment(*told, task_type="", input=b"{}", context=b"{}", deadline=None, failures=0)  # type: ignore[arg-type]


async def statuses(owner: Any, stored: Any) -> dict[Any, int]:
    rows = await owner.fetch(
        "SELECT workflow_id, status FROM engine.open_tasks WHERE workflow_id = ANY($1::uuid[])",
        [ids.read("wf", each.key.workflow_id) for each in stored],
    )
    return {row["workflow_id"]: row["status"] for row in rows}
