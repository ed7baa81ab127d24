"""What every TaskBoard promises about silent agents and agents that are not there, on PostgreSQL and in memory."""

from __future__ import annotations

from msgspec.structs import replace
from storages import Storage

from archwright import ids


async def test_an_agent_that_is_silent_for_too_long_is_overdue(storage: Storage) -> None:
    await storage.start(plan="watched")
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(9)
    assert not await storage.board.overdue()

    await storage.age(2)

    [(held, which)] = await storage.board.overdue()
    assert (held.fence, which) == (fence, "idle")


async def test_progress_begins_the_idle_time_anew(storage: Storage) -> None:
    await storage.start(plan="watched")
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(9)

    await storage.board.note_progress([fence])
    await storage.age(9)

    assert not await storage.board.overdue()


async def test_progress_under_an_older_lease_counts_for_nothing(storage: Storage) -> None:
    await storage.start(plan="watched")
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(9)

    await storage.board.note_progress([replace(fence, lease_id=ids.new_uuid())])
    await storage.board.note_progress([])
    await storage.age(2)

    assert len(await storage.board.overdue()) == 1


async def test_a_step_that_allows_silence_is_never_idle(storage: Storage) -> None:
    await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.board.note_progress([fence])
    await storage.age(29)

    assert not await storage.board.overdue()


async def test_what_takes_too_long_altogether_is_overdue_by_its_own_name(storage: Storage) -> None:
    await storage.start(plan="watched")
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.age(601)

    [(_, which)] = await storage.board.overdue()

    assert which == "execution"


async def test_waiting_tasks_whose_step_said_what_to_do_without_an_agent_are_told(storage: Storage) -> None:
    await storage.start()
    picky = await storage.start(plan="watched")

    [told] = await storage.board.picky()

    assert (told.key, told.step, told.queue) == (picky.key, "draft", "writer")


async def test_a_task_that_an_agent_has_is_picky_no_more(storage: Storage) -> None:
    await storage.start(plan="watched")
    await storage.claim()

    assert not await storage.board.picky()
