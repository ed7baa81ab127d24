"""What every store promises about workflows whose state is too large to be written with every commit."""

from __future__ import annotations

from storages import Storage, fence_of

from services.engine.domain.evolve import fold
from services.engine.domain.workflow import Workflow
from services.engine.ports.store import Stored


async def moved_on(storage: Storage, steps: int) -> Stored:
    """Begin a large workflow and complete some of its tasks, each in a commit of its own."""
    stored = await storage.start(plan="large")
    claimed = await storage.claims(await storage.session(), steps)
    for task in claimed:
        await storage.commit(storage.completing(stored, fence_of(task)))
        stored = await storage.load(stored.key)
    return stored


async def test_it_is_loaded_as_it_stands(storage: Storage) -> None:
    stored = await moved_on(storage, 5)

    numbered = await storage.store.events(stored.key, after_seq=0, limit=10_000)

    assert stored.snapshot_bytes > 2_048
    assert stored.tail_bytes > 0
    assert fold(stored.plan, Workflow(stored.key.workflow_id), [each.event for each in numbered]) == stored.workflow


async def test_it_is_written_anew_once_its_events_weigh_as_much(storage: Storage) -> None:
    stored = await storage.start(plan="large")
    first, sizes = stored.snapshot_bytes, []
    for task in await storage.claims(await storage.session(), 60):
        await storage.commit(storage.completing(stored, fence_of(task)))
        stored = await storage.load(stored.key)
        sizes.append(stored.tail_bytes)

    assert 0 in sizes
    assert all(size < stored.snapshot_bytes + first for size in sizes)


async def test_its_newest_tasks_are_among_its_open_tasks(storage: Storage) -> None:
    stored = await moved_on(storage, 3)

    told = {task.step for task in await storage.store.open_tasks(stored.key)}

    assert told == set(stored.workflow.open) - {"look_at_each_of_them"}
    assert "look_at_each_of_them[0]/report" in told


async def test_its_summary_is_as_it_stands(storage: Storage) -> None:
    stored = await moved_on(storage, 3)

    summary = await storage.store.summary(stored.key)

    assert summary is not None
    assert summary.workflow == stored.workflow
