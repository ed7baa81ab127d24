"""What every Store promises about commits, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from storages import OTHER_TENANT, TENANT, Storage, new_key

from archwright import ids
from services.engine.domain.events import ArtifactMade
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.keys import Fence, Key
from services.engine.ports.store import Indigestible, Stored, Written


def verdicts(written: Sequence[Written]) -> list[str]:
    return [each.verdict for each in written]


def file_of(content: bytes, name: str = "plan/report.txt") -> ArtifactMade:
    return ArtifactMade(name, hashlib.sha256(content).hexdigest())


async def accepted(storage: Storage) -> tuple[Stored, Fence]:
    """Return a workflow whose first task an agent works on."""
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    return stored, fence


async def test_a_committed_workflow_is_loaded_as_it_was(storage: Storage) -> None:
    key = new_key()
    beginning = storage.beginning(key)
    [written] = await storage.commit(beginning)

    stored = await storage.load(key)

    assert (stored.version, stored.head_hash) == (1, written.head_hash)
    assert stored.workflow == beginning.after
    assert stored.workflow.status is WorkflowStatus.RUNNING
    assert stored.known.input == {"topic": "tea"}


async def test_a_workflow_that_does_not_exist_is_not_loaded(storage: Storage) -> None:
    stored = await storage.start()

    assert set(await storage.store.load([stored.key, new_key()])) == {stored.key}
    assert not await storage.store.load([])


async def test_another_tenants_workflow_is_not_there(storage: Storage) -> None:
    stored = await storage.start()
    foreign = Key(OTHER_TENANT, stored.key.workflow_id)

    assert not await storage.store.load([foreign])
    assert await storage.store.summary(foreign) is None
    assert not await storage.store.last_seqs([foreign])


async def test_each_commit_makes_the_version_grow_by_one(storage: Storage) -> None:
    stored, fence = await accepted(storage)

    await storage.commit(storage.completing(stored, fence))

    assert (await storage.load(stored.key)).version == stored.version + 1


async def test_a_workflow_that_moved_meanwhile_drops_out_alone(storage: Storage) -> None:
    moved, still = await storage.start(), await storage.start()
    await storage.commit(storage.cancelling(moved))

    written = await storage.commit(storage.cancelling(moved), storage.cancelling(still))

    assert verdicts(written) == ["lost", "won"]
    assert (await storage.load(moved.key)).version == 2
    assert (await storage.load(still.key)).workflow.status is WorkflowStatus.CANCELLED


async def test_a_workflow_that_never_began_cannot_go_on(storage: Storage) -> None:
    stored = await storage.start()

    written = await storage.commit(replace(storage.cancelling(stored), key=new_key()))

    assert verdicts(written) == ["lost"]


async def test_of_two_commits_of_one_version_one_wins(storage: Storage) -> None:
    stored = await storage.start()
    entries = [storage.cancelling(stored) for _ in range(4)]

    written = await asyncio.gather(*(storage.commit(entry) for entry in entries))

    assert sorted(verdicts([each for [each] in written])) == ["lost", "lost", "lost", "won"]
    assert (await storage.load(stored.key)).version == 2


async def test_the_fates_are_told_in_the_order_of_the_entries(storage: Storage) -> None:
    lost, fenced, won = await storage.start(), await storage.start(), await storage.start()
    await storage.commit(storage.cancelling(lost))
    untrue = Fence(ids.show("task", ids.new_uuid()), 1, ids.new_uuid())

    written = await storage.commit(
        storage.cancelling(won),
        storage.beginning(new_key(), request_id=won.key.workflow_id),
        storage.cancelling(lost),
        storage.cancelling(fenced, untrue),
    )

    assert verdicts(written) == ["won", "exists", "lost", "fenced"]


async def test_a_request_id_starts_one_workflow(storage: Storage) -> None:
    request_id = str(ids.new_uuid())
    first = await storage.start(request_id=request_id)
    again = new_key()

    written = await storage.commit(storage.beginning(again, request_id))

    assert verdicts(written) == ["exists"]
    assert await storage.store.find_by_request(TENANT, request_id) == (first.key.workflow_id, b"hash")
    assert not await storage.store.load([again])


async def test_two_starts_of_one_request_in_one_batch_are_one_workflow(storage: Storage) -> None:
    request_id = str(ids.new_uuid())

    written = await storage.commit(*(storage.beginning(new_key(), request_id) for _ in range(2)))

    assert verdicts(written) == ["won", "exists"]


async def test_tenants_do_not_share_request_ids(storage: Storage) -> None:
    request_id = str(ids.new_uuid())
    await storage.start(request_id=request_id)

    [written] = await storage.commit(storage.beginning(new_key(OTHER_TENANT), request_id))

    assert written.verdict == "won"


async def test_a_request_that_started_nothing_is_not_found(storage: Storage) -> None:
    assert await storage.store.find_by_request(TENANT, str(ids.new_uuid())) is None


async def test_a_result_counts_with_its_fence(storage: Storage) -> None:
    stored, fence = await accepted(storage)

    written = await storage.commit(storage.completing(stored, fence, {"text": "leaf"}))

    assert verdicts(written) == ["won"]
    after = await storage.load(stored.key)
    assert set(after.workflow.open) == {"review"}
    assert (await storage.store.events(stored.key, after_seq=stored.workflow.last_seq, limit=1))[0].event.output == {
        "text": "leaf"
    }


async def test_a_result_under_another_lease_changes_nothing(storage: Storage) -> None:
    stored, fence = await accepted(storage)

    written = await storage.commit(storage.completing(stored, replace(fence, lease_id=ids.new_uuid())))

    assert verdicts(written) == ["fenced"]
    assert await storage.load(stored.key) == stored


async def test_a_result_of_another_attempt_changes_nothing(storage: Storage) -> None:
    stored, fence = await accepted(storage)

    written = await storage.commit(storage.completing(stored, replace(fence, attempt=fence.attempt + 1)))

    assert verdicts(written) == ["fenced"]


async def test_a_fence_on_another_tenants_task_is_untrue(storage: Storage) -> None:
    _, fence = await accepted(storage)
    other = await storage.start(tenant=OTHER_TENANT)

    assert verdicts(await storage.commit(storage.cancelling(other, fence))) == ["fenced"]


async def test_a_fence_on_a_task_that_has_ended_is_untrue(storage: Storage) -> None:
    stored, fence = await accepted(storage)
    await storage.commit(storage.completing(stored, fence))
    after = await storage.load(stored.key)

    assert verdicts(await storage.commit(storage.cancelling(after, fence))) == ["fenced"]


async def test_one_untrue_fence_of_several_is_enough(storage: Storage) -> None:
    stored, fence = await accepted(storage)

    written = await storage.commit(storage.cancelling(stored, fence, replace(fence, lease_id=ids.new_uuid())))

    assert verdicts(written) == ["fenced"]


async def test_a_waiting_task_is_fenced_by_having_no_lease(storage: Storage) -> None:
    stored = await storage.start()
    [task] = await storage.store.open_tasks(stored.key)
    waiting = Fence(task.task_id, 0, None)
    other = await storage.start()

    assert verdicts(await storage.commit(storage.cancelling(stored, waiting))) == ["won"]
    assert verdicts(await storage.commit(storage.cancelling(other, waiting))) == ["fenced"]


async def test_a_fence_may_name_the_session_that_must_still_hold_the_task(storage: Storage) -> None:
    stored = await storage.start()
    session, fence = await storage.claim()

    written = await storage.commit(storage.cancelling(stored, replace(fence, session_id=session)))

    assert verdicts(written) == ["won"]


async def test_a_revocation_of_a_session_spares_a_task_that_moved_to_another(storage: Storage) -> None:
    stored = await storage.start()
    session, fence = await storage.claim()
    await storage.session(keeping=[fence])

    written = await storage.commit(storage.cancelling(stored, replace(fence, session_id=session)))

    assert verdicts(written) == ["fenced"]


async def test_a_loser_leaves_no_trace(storage: Storage) -> None:
    stored, fence = await accepted(storage)
    before = await storage.audit_count(TENANT)
    late = replace(storage.cancelling(stored, replace(fence, attempt=9)), audit=(storage.audit_row(),))

    await storage.commit(late)

    assert await storage.load(stored.key) == stored
    assert len(await storage.store.events(stored.key, after_seq=0, limit=100)) == stored.workflow.last_seq
    assert [task.task_id for task in await storage.store.open_tasks(stored.key)] == [fence.task_id]
    assert await storage.audit_count(TENANT) == before


async def test_a_commit_leaves_the_audit_rows_of_its_calls(storage: Storage) -> None:
    before = await storage.audit_count(TENANT)
    stored = await storage.start()

    await storage.commit(replace(storage.cancelling(stored), audit=(storage.audit_row(), storage.audit_row())))

    assert await storage.audit_count(TENANT) == before + 3


async def test_a_result_may_name_files_that_are_kept(storage: Storage) -> None:
    stored, fence = await accepted(storage)
    made = file_of(b"kept")
    await storage.keep_file(TENANT, made.sha256, b"kept")

    assert verdicts(await storage.commit(storage.completing(stored, fence, artifacts=[made]))) == ["won"]


async def test_an_entry_that_names_a_file_nobody_kept_is_indigestible_and_nothing_is_written(storage: Storage) -> None:
    stored, fence = await accepted(storage)
    other = await storage.start()
    poison = storage.completing(stored, fence, artifacts=[file_of(b"lost")])

    with pytest.raises(Indigestible):
        await storage.commit(storage.cancelling(other), poison)

    assert await storage.load(stored.key) == stored
    assert await storage.load(other.key) == other
    assert verdicts(await storage.commit(storage.cancelling(other))) == ["won"]


async def test_a_finished_workflow_leaves_no_timer_and_no_task(storage: Storage) -> None:
    stored = await storage.start()

    await storage.commit(storage.cancelling(stored))
    await storage.age(10_000)

    assert not await storage.store.open_tasks(stored.key)
    assert not await storage.board.due_timers(10)
    assert not await storage.claims(await storage.session())
