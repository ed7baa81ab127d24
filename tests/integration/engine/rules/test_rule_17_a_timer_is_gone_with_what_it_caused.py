"""Rule 17: a timer's row is deleted by the commit that applies it, by its generation; a pause puts nothing off."""

from __future__ import annotations

from typing import Any

from storages import entry_of

from services.engine.domain.commands import FireTimer, PauseWorkflow, ResumeWorkflow

SOON = 61.0


async def test_a_replica_that_takes_a_timer_and_dies_leaves_it_to_another(storage: Any, other_storage: Any) -> None:
    stored = await storage.start(plan="pausing")
    await storage.age(SOON)
    [taken] = await storage.board.due_timers(10)
    assert not await other_storage.board.due_timers(10)

    await storage.age(SOON)
    [again] = await other_storage.board.due_timers(10)
    [written] = await other_storage.commit(other_storage.firing(stored, again))
    await storage.age(SOON)

    assert (again, written.verdict) == (taken, "won")
    assert taken not in await storage.board.due_timers(10)
    assert set((await storage.load(stored.key)).workflow.open) == {"review"}


async def test_a_timer_that_is_due_in_a_pause_is_acted_on_when_the_workflow_goes_on(storage: Any) -> None:
    stored = await storage.start(plan="pausing")
    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann", "")))
    await storage.age(SOON)
    [timer] = await storage.board.due_timers(10)
    paused = await storage.load(stored.key)

    [fired] = await storage.commit(entry_of(paused, FireTimer(storage.now(), timer.name, timer.generation)))
    assert fired.verdict == "won"
    held = await storage.load(stored.key)
    assert "review" not in held.workflow.open
    await storage.commit(entry_of(held, ResumeWorkflow(storage.now(), "ann")))

    assert set((await storage.load(stored.key)).workflow.open) == {"review"}


async def test_forgetting_a_timer_spares_the_one_of_a_later_generation(storage: Any, owner: Any) -> None:
    stored = await storage.start(plan="pausing")
    await storage.age(SOON)
    [timer] = await storage.board.due_timers(10)
    await owner.execute("UPDATE engine.timers SET generation = generation + 1 WHERE name = $1", timer.name)

    await storage.board.drop_timer(timer)
    await storage.age(SOON)

    assert [later.generation for later in await storage.board.due_timers(10)] == [timer.generation + 1]
    assert timer.key == stored.key
