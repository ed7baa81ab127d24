"""Rule 13: a state holds what is open and not what is done; a large one is a snapshot, and what came since."""

from __future__ import annotations

from typing import Any

from storages import entry_of, fence_of

from archwright import ids
from services.engine.domain.commands import PauseWorkflow
from services.engine.domain.events import TaskCompleted, WorkflowPaused
from services.engine.domain.evolve import evolve
from services.engine.domain.transitions import WorkflowStatus
from services.engine.storage.codec import dump_events
from services.engine.storage.commits import is_snapshot_due


async def test_a_large_state_is_not_written_with_every_commit_and_loaded_from_its_snapshot_and_tail(
    storage: Any, owner: Any
) -> None:
    stored = await storage.start(plan="large")
    [first, second] = await storage.claims(await storage.session(), 2)
    snapshot = stored.workflow
    for claimed in (first, second):
        await storage.commit(storage.completing(stored, fence_of(claimed)))
        stored = await storage.load(stored.key)
    workflow_id = ids.read("wf", stored.key.workflow_id)
    row = await owner.fetchrow("SELECT state_seq, last_seq FROM engine.workflows WHERE workflow_id = $1", workflow_id)
    assert row["state_seq"] < row["last_seq"] == stored.workflow.last_seq

    # Values that may still be asked for are read where they stand; the state is never told from the beginning.
    emptied = dump_events([WorkflowPaused(storage.now(), "nobody", "", "")])
    await owner.execute(
        "UPDATE engine.history SET body = $3 WHERE workflow_id = $1 AND first_seq > $2",
        *(workflow_id, row["state_seq"], emptied),
    )

    from_the_tail = (await storage.load(stored.key)).workflow
    assert from_the_tail.status is WorkflowStatus.PAUSED
    assert set(from_the_tail.open) == set(snapshot.open)


async def test_a_snapshot_is_written_once_the_events_since_weigh_as_much(storage: Any) -> None:
    stored = await storage.start(plan="large")
    written = []
    for claimed in await storage.claims(await storage.session(), 60):
        weight = stored.tail_bytes
        await storage.commit(storage.completing(stored, fence_of(claimed), {"text": "x" * 500}))
        stored = await storage.load(stored.key)
        if stored.tail_bytes == 0:
            written.append(weight)

    assert written, "no snapshot was written"
    assert all(2 * weight > stored.snapshot_bytes for weight in written)
    assert not is_snapshot_due(stored.snapshot_bytes, stored.snapshot_bytes - 1)


async def test_the_state_after_fifty_steps_is_as_small_as_after_five(storage: Any) -> None:
    stored = await storage.start(plan="long")
    sizes = []
    for _ in range(50):
        _, fence = await storage.claim()
        await storage.commit(storage.completing(stored, fence, {"text": "x" * 100}))
        stored = await storage.load(stored.key)
        sizes.append(stored.snapshot_bytes)

    assert sizes[49] < sizes[4] + 100
    assert len(stored.known.values) <= 2, "values that nobody will read are not loaded"


async def test_one_event_copies_no_more_than_what_it_changes(storage: Any) -> None:
    stored = await storage.start(plan="large")
    _, fence = await storage.claim()
    entry = storage.completing(stored, fence)
    [completed] = [event for event in entry.events if isinstance(event, TaskCompleted)]

    after = evolve(stored.plan, stored.workflow, completed)

    same = [path for path, task in stored.workflow.open.items() if after.open.get(path) is task]
    assert len(same) == len(stored.workflow.open) - 1
    assert after.waiting is stored.workflow.waiting


async def test_a_pause_of_a_large_workflow_writes_no_state(storage: Any, owner: Any) -> None:
    stored = await storage.start(plan="large")

    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann", "")))

    row = await owner.fetchrow(
        "SELECT version, state_seq, last_seq FROM engine.workflows WHERE workflow_id = $1",
        ids.read("wf", stored.key.workflow_id),
    )
    assert (row["version"], row["last_seq"] - row["state_seq"]) == (2, 1)
