"""What every History promises, on PostgreSQL and in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from storages import OTHER_TENANT, TENANT, Storage, entry_of, new_key

from archwright import ids
from services.engine.domain.commands import PauseWorkflow, ResumeWorkflow
from services.engine.domain.events import WorkflowCancelled, WorkflowCreated
from services.engine.domain.evolve import fold
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.history import Wanted
from services.engine.ports.keys import Key

moments_ms = count(4_000_000_000_000)


async def three(storage: Storage, tenant: str = TENANT) -> list[Key]:
    """Start three workflows that are newer than all others, the oldest first."""
    keys = [new_key(tenant, next(moments_ms)) for _ in range(3)]
    for key in keys:
        await storage.start(key=key)
    return keys


async def shown(
    storage: Storage, *, limit: int = 3, before: str = "", name: str = "", status: WorkflowStatus | None = None
) -> list[Key]:
    wanted = Wanted(after=before, status=status, definition_name=name)
    found = await storage.store.summaries(TENANT, wanted, limit=limit)
    return [each.key for each in found]


async def test_history_is_contiguous_and_folds_to_the_stored_state(storage: Storage) -> None:
    stored = await storage.start()
    await storage.commit(storage.cancelling(stored))

    numbered = await storage.store.events(stored.key, after_seq=0, limit=100)

    after = await storage.load(stored.key)
    assert [each.seq for each in numbered] == list(range(1, after.workflow.last_seq + 1))
    assert isinstance(numbered[0].event, WorkflowCreated)
    assert isinstance(numbered[-1].event, WorkflowCancelled)
    new = Workflow(stored.key.workflow_id)
    assert fold(stored.plan, new, [each.event for each in numbered]) == after.workflow


async def test_a_page_of_history_begins_after_its_cursor_and_has_its_length(storage: Storage) -> None:
    stored = await storage.start()

    page = await storage.store.events(stored.key, after_seq=1, limit=1)

    assert [each.seq for each in page] == [2]


async def test_pages_may_begin_and_end_within_a_commit(storage: Storage) -> None:
    stored = await storage.start()
    await storage.commit(storage.cancelling(stored))
    seen: list[int] = []

    while page := await storage.store.events(stored.key, after_seq=len(seen), limit=2):
        seen += [each.seq for each in page]

    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == (await storage.load(stored.key)).workflow.last_seq


async def test_another_tenants_history_is_empty(storage: Storage) -> None:
    stored = await storage.start()

    assert not await storage.store.events(Key(OTHER_TENANT, stored.key.workflow_id), after_seq=0, limit=10)


async def test_the_number_of_the_newest_event_is_told_of_many_workflows_at_once(storage: Storage) -> None:
    one, two = await storage.start(), await storage.start(tenant=OTHER_TENANT)
    await storage.commit(storage.cancelling(two))

    last_seqs = await storage.store.last_seqs([one.key, two.key, new_key()])

    assert last_seqs == {
        one.key: one.workflow.last_seq,
        two.key: (await storage.load(two.key)).workflow.last_seq,
    }
    assert not await storage.store.last_seqs([])


async def test_a_summary_shows_a_workflow_as_it_stands(storage: Storage) -> None:
    stored = await storage.start(request_id=str(ids.new_uuid()))

    summary = await storage.store.summary(stored.key)

    assert summary is not None
    assert (summary.key, summary.workflow) == (stored.key, stored.workflow)
    assert summary.plan.content_hash == stored.plan.content_hash
    assert (summary.created.definition_name, summary.created.user_id) == ("chain", "ann")
    assert summary.created.request_id == stored.workflow.request_id


async def test_there_is_no_summary_of_what_does_not_exist(storage: Storage) -> None:
    assert await storage.store.summary(new_key()) is None
    assert not await storage.store.open_tasks(new_key())


async def test_workflows_are_listed_newest_first(storage: Storage) -> None:
    old, middle, new = await three(storage)

    assert await shown(storage) == [new, middle, old]


async def test_a_list_goes_on_where_the_page_before_ended(storage: Storage) -> None:
    old, middle, new = await three(storage)

    assert await shown(storage, limit=1, before=new.workflow_id) == [middle]
    assert (await shown(storage, before=middle.workflow_id))[0] == old


async def test_a_list_may_be_of_one_status(storage: Storage) -> None:
    _, middle, new = await three(storage)
    await storage.commit(storage.cancelling(await storage.load(middle)))

    cancelled = await shown(storage, limit=1, status=WorkflowStatus.CANCELLED)
    running = await shown(storage, limit=1, status=WorkflowStatus.RUNNING)

    assert (cancelled, running) == ([middle], [new])


async def test_a_list_may_be_of_one_definition(storage: Storage) -> None:
    await three(storage)
    urgent = await storage.start(plan="urgent", key=new_key(at_ms=next(moments_ms)))

    assert (await shown(storage, limit=1, name="urgent"))[0] == urgent.key


async def test_a_list_shows_no_other_tenants_workflows(storage: Storage) -> None:
    foreign = await three(storage, OTHER_TENANT)

    assert not set(await shown(storage, limit=1_000)) & set(foreign)


async def test_an_open_task_shows_who_works_on_it_and_since_when(storage: Storage) -> None:
    stored = await storage.start()
    [waiting] = await storage.store.open_tasks(stored.key)
    _, fence = await storage.claim("a7")
    [assigned] = await storage.store.open_tasks(stored.key)
    await storage.board.accept([fence])
    [accepted] = await storage.store.open_tasks(stored.key)

    assert (waiting.step, waiting.status, waiting.attempt, waiting.agent_id) == ("draft", "pending", 0, "")
    assert (assigned.status, assigned.attempt, assigned.agent_id) == ("assigned", 1, "a7")
    assert assigned.assigned_at is not None
    assert assigned.accepted_at is None
    assert accepted.status == "in_progress"
    assert accepted.accepted_at is not None


async def test_a_list_may_begin_with_the_oldest(storage: Storage) -> None:
    old, middle, new = await three(storage)

    found = await storage.store.summaries(TENANT, Wanted(after=old.workflow_id, oldest_first=True), limit=3)

    assert [each.key for each in found] == [middle, new]


async def test_a_list_may_be_of_a_time(storage: Storage) -> None:
    old, middle, new = await three(storage)
    of_middle = datetime.fromtimestamp((ids.read("wf", middle.workflow_id).int >> 80) / 1000, UTC)

    since = await storage.store.summaries(TENANT, Wanted(created_from=of_middle), limit=3)
    before = await storage.store.summaries(TENANT, Wanted(created_before=of_middle), limit=1)

    assert [each.key for each in since] == [new, middle]
    assert [each.key for each in before] == [old]


@pytest.mark.parametrize(
    ("wanted", "is_shown"),
    [
        (Wanted(user_id="ann"), True),
        (Wanted(user_id="bob"), False),
        (Wanted(session_id="nobody's"), False),
        (Wanted(definition_version="1.0.0"), True),
        (Wanted(definition_version="9.9.9"), False),
        (Wanted(unlike_status=WorkflowStatus.RUNNING), False),
        (Wanted(unlike_status=WorkflowStatus.FAILED), True),
    ],
)
async def test_a_list_may_be_of_other_properties(storage: Storage, wanted: Wanted, is_shown: bool) -> None:
    *_, new = await three(storage)

    found = await storage.store.summaries(TENANT, wanted, limit=1)

    assert (new in [each.key for each in found]) is is_shown


async def test_a_large_state_is_shown_as_of_the_last_event(storage: Storage) -> None:
    # A large state is not written with each commit: what came since has to be folded in.
    stored = await storage.start(key=new_key(at_ms=next(moments_ms)))
    await storage.commit(entry_of(stored, PauseWorkflow(storage.now(), "ann" * 2_000, "")))
    paused = await storage.load(stored.key)
    await storage.commit(entry_of(paused, ResumeWorkflow(storage.now(), "ann")))

    after = await storage.load(stored.key)
    summary = await storage.store.summary(stored.key)
    [listed] = await storage.store.summaries(TENANT, Wanted(), limit=1)

    assert summary is not None
    assert summary.workflow == listed.workflow == after.workflow
    assert summary.workflow.status is WorkflowStatus.RUNNING


async def test_a_waiting_task_has_a_place_in_its_queue(storage: Storage) -> None:
    tenant = OTHER_TENANT
    first, second = await storage.start(tenant=tenant), await storage.start(tenant=tenant)
    urgent = await storage.start(plan="urgent", tenant=tenant)
    tasks = [(await storage.store.open_tasks(each.key))[0].task_id for each in (urgent, first, second)]

    places = await storage.store.places(tenant, "writer", tasks)
    elsewhere = await storage.store.places(tenant, "editor", tasks)

    in_order = sorted(places, key=places.__getitem__)
    assert in_order == tasks
    assert places[tasks[2]] - places[tasks[1]] == 1
    assert not elsewhere
