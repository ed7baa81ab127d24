"""What every Store promises about tasks that are born assigned, held, or preferred, on PostgreSQL and in memory."""

from __future__ import annotations

from msgspec.structs import replace
from storages import ACCEPT_SECONDS, Storage, entry_of, new_key

from archwright import ids
from services.engine.domain.commands import CancelWorkflow, PauseWorkflow, ResumeWorkflow
from services.engine.ports.keys import Fence, Key
from services.engine.ports.store import Grant


async def born_assigned(storage: Storage, agent_id: str = "a1") -> tuple[Key, Fence]:
    """Start a workflow whose first task belongs to a session from the start."""
    session, lease = await storage.session(agent_id), ids.new_uuid()
    beginning = storage.beginning(new_key())
    [task] = beginning.effects.new_tasks
    await storage.commit(replace(beginning, granted={task.task_id: Grant(session, lease)}))
    return beginning.key, Fence(task.task_id, 1, lease)


async def paused(storage: Storage) -> Key:
    stored = await storage.start()
    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann", "")))
    return stored.key


async def test_a_task_that_is_born_assigned_is_its_agents_first_attempt(storage: Storage) -> None:
    key, fence = await born_assigned(storage)

    [task] = await storage.store.open_tasks(key)

    assert (task.status, task.attempt, task.agent_id) == ("assigned", 1, "a1")
    assert not await storage.claims(await storage.session("a2"))
    stored = await storage.load(key)
    assert (await storage.commit(storage.completing(stored, fence)))[0].verdict == "won"


async def test_a_task_that_is_born_assigned_and_not_accepted_goes_to_another(storage: Storage) -> None:
    _, fence = await born_assigned(storage)
    await storage.age(ACCEPT_SECONDS + 1)

    assert await storage.board.redeliver_unaccepted() == 1

    _, again = await storage.claim("a2")
    assert (again.task_id, again.attempt) == (fence.task_id, 2)


async def test_a_task_of_a_loser_is_not_born(storage: Storage) -> None:
    request_id = str(ids.new_uuid())
    await storage.start(request_id=request_id)
    again = storage.beginning(new_key(), request_id)
    [task] = again.effects.new_tasks
    session = await storage.session()

    [written] = await storage.commit(replace(again, granted={task.task_id: Grant(session, ids.new_uuid())}))

    assert written.verdict == "exists"
    assert await storage.board.renew([session]) == {session: set()}


async def test_the_waiting_tasks_of_a_paused_workflow_are_held(storage: Storage) -> None:
    key = await paused(storage)

    assert [task.status for task in await storage.store.open_tasks(key)] == ["held"]
    assert not await storage.claims(await storage.session())
    assert not await storage.board.waiting_queues()


async def test_held_tasks_wait_again_once_the_workflow_goes_on(storage: Storage) -> None:
    key = await paused(storage)

    await storage.commit(entry_of(await storage.load(key), ResumeWorkflow(storage.now(), "ann")))

    [claimed] = await storage.claims(await storage.session())
    assert claimed.key == key


async def test_a_pause_leaves_tasks_to_those_who_have_them(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])

    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann", "")))

    [task] = await storage.store.open_tasks(stored.key)
    assert task.status == "in_progress"
    after = await storage.load(stored.key)
    assert (await storage.commit(storage.completing(after, fence)))[0].verdict == "won"


async def test_what_is_made_in_a_paused_workflow_is_held_from_the_start(storage: Storage) -> None:
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann", "")))
    await storage.commit(storage.failing(await storage.load(stored.key), fence))
    await storage.age(120)
    for timer in await storage.board.due_timers(10):
        await storage.commit(storage.firing(await storage.load(stored.key), timer))

    tasks = await storage.store.open_tasks(stored.key)

    assert {task.status for task in tasks} <= {"held"}


async def test_another_workflows_tasks_are_not_held(storage: Storage) -> None:
    await paused(storage)
    going = await storage.start()

    [claimed] = await storage.claims(await storage.session(), 2)

    assert claimed.key == going.key


async def test_held_tasks_are_gone_with_a_cancelled_workflow(storage: Storage) -> None:
    key = await paused(storage)

    await storage.commit(entry_of(await storage.load(key), CancelWorkflow(storage.now(), "ann", "")))

    assert not await storage.store.open_tasks(key)
