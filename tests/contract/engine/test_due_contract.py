"""What every TaskBoard promises about time that is up, on PostgreSQL and in memory."""

from __future__ import annotations

from dataclasses import replace

from storages import Storage

from services.engine.ports.keys import Fence


async def test_an_attempt_that_takes_too_long_is_overdue(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim("a1")
    await storage.board.accept([fence])
    assert not await storage.board.overdue()
    await storage.age(31)

    [(held, which)] = await storage.board.overdue()

    assert which == "execution"
    assert (held.key, held.step, held.agent_id, held.fence) == (stored.key, "draft", "a1", fence)


async def test_a_task_that_nobody_takes_is_overdue(storage: Storage) -> None:
    stored = await storage.start()
    [task] = await storage.store.open_tasks(stored.key)
    await storage.age(61)

    [(held, which)] = await storage.board.overdue()

    assert which == "queue"
    assert (held.agent_id, held.fence) == ("", Fence(task.task_id, 0, None))


async def test_a_task_that_was_delivered_no_longer_waits_in_its_queue(storage: Storage) -> None:
    await storage.start()
    await storage.claim()
    await storage.age(61)

    assert not await storage.board.overdue()


async def test_what_is_overdue_can_be_ended_by_its_fence(storage: Storage) -> None:
    stored = await storage.start()
    await storage.age(61)
    [(held, _)] = await storage.board.overdue()

    assert (await storage.commit(storage.cancelling(stored, held.fence)))[0].verdict == "won"
    assert not await storage.board.overdue()


async def test_a_deadline_becomes_a_due_timer_once(storage: Storage) -> None:
    stored = await storage.start()
    assert not await storage.board.due_timers(10)
    await storage.age(601)

    assert [timer.key for timer in await storage.board.due_timers(10)] == [stored.key]
    assert not await storage.board.due_timers(10)


async def test_a_timer_that_was_reserved_in_vain_is_due_again(storage: Storage) -> None:
    await storage.start()
    await storage.age(601)
    [timer] = await storage.board.due_timers(10)

    await storage.age(60)

    assert await storage.board.due_timers(10) == [timer]


async def test_no_more_timers_are_due_than_were_asked_for(storage: Storage) -> None:
    for _ in range(3):
        await storage.start()
        await storage.age(1)
    await storage.age(601)

    assert [len(await storage.board.due_timers(2)) for _ in range(3)] == [2, 1, 0]


async def test_a_pointless_timer_is_forgotten(storage: Storage) -> None:
    await storage.start()
    await storage.age(601)
    [timer] = await storage.board.due_timers(10)

    await storage.board.drop_timer(timer)
    await storage.age(60)

    assert not await storage.board.due_timers(10)


async def test_a_newer_timer_of_the_same_name_is_not_forgotten_with_the_older(storage: Storage) -> None:
    await storage.start()
    await storage.age(601)
    [timer] = await storage.board.due_timers(10)

    await storage.board.drop_timer(replace(timer, generation=timer.generation - 1))
    await storage.age(60)

    assert await storage.board.due_timers(10) == [timer]


async def test_a_pause_before_a_retry_is_a_timer_and_ends_with_the_commit_that_applies_it(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(storage.failing(stored, fence))
    await storage.age(120)

    [timer] = await storage.board.due_timers(10)
    waiting = await storage.load(stored.key)
    await storage.commit(storage.firing(waiting, timer))
    await storage.age(60)

    assert timer.generation == fence.attempt
    assert not await storage.board.due_timers(10)
    [again] = await storage.claims(await storage.session("a2"))
    assert (again.task_id, again.attempt) == (fence.task_id, fence.attempt + 1)
