"""What every store of dead letters promises, on PostgreSQL and in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from event_letters import of_event
from storages import OTHER_TENANT, TENANT, Storage, entry_of

from archwright import ids
from archwright.language.model import ErrorCategory
from services.engine.domain.commands import FailTask, RedriveTask, RetryWorkflow
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.dead_letters import DeadLetters, Ending, LetterKind, LetterRow, LetterState, WantedLetters
from services.engine.ports.store import Entry, Stored

WAITING = WantedLetters(state="waiting")


@pytest.fixture
def letters(storage: Storage) -> DeadLetters:
    return storage.letters


async def failed(storage: Storage, plan: str = "chain") -> Stored:
    """Start a workflow whose first task fails it."""
    stored = await storage.start(plan=plan)
    [written] = await storage.commit(failing(storage, stored))
    assert written.verdict == "won"
    return await storage.load(stored.key)


def failing(storage: Storage, stored: Stored) -> Entry:
    [task] = stored.workflow.open.values()
    task_id = getattr(task, "task_id", "")
    command = FailTask(storage.now(), task_id, 1, "a1", ErrorCategory.BUSINESS, "SAID_NO", "no", 0.5)
    return entry_of(stored, command)


async def letter_of(letters: DeadLetters, stored: Stored) -> LetterRow:
    [found] = await letters.wanted(TENANT, WantedLetters(workflow_id=stored.key.workflow_id), limit=9)
    return found


async def test_a_task_that_failed_its_workflow_is_found(storage: Storage, letters: DeadLetters) -> None:
    stored = await failed(storage)

    row = await letter_of(letters, stored)

    assert stored.workflow.status is WorkflowStatus.FAILED
    assert await letters.find(TENANT, row.letter_id) == row
    assert (row.kind, row.state, row.step) == (LetterKind.TASK, LetterState.WAITING, "draft")
    assert (row.agent_type, row.category, row.code) == ("writer", "business", "SAID_NO")
    assert (row.definition_name, row.definition_version, row.attempts) == ("chain", "1.0.0", 1)
    [numbered] = await storage.store.events(stored.key, after_seq=row.seq - 1, limit=1)
    assert getattr(numbered.event, "task_id", "") == row.task_id


async def test_anothers_letter_is_not_found(storage: Storage, letters: DeadLetters) -> None:
    row = await letter_of(letters, await failed(storage))

    assert await letters.find(OTHER_TENANT, row.letter_id) is None
    assert await letters.find(TENANT, ids.show("letter", ids.new_uuid())) is None
    assert not await letters.wanted(OTHER_TENANT, WantedLetters(), limit=9)


async def test_they_are_listed_newest_first_in_pages_of_both_kinds(storage: Storage, letters: DeadLetters) -> None:
    for _ in range(2):
        await failed(storage)
    await letters.add_event_letters([of_event(storage)])

    first = await letters.wanted(TENANT, WAITING, limit=2)
    rest = await letters.wanted(TENANT, replace(WAITING, after=first[-1].letter_id), limit=9)

    found = [*first, *rest]
    assert [each.letter_id for each in found] == sorted((each.letter_id for each in found), reverse=True)
    assert sorted(each.kind for each in found) == ["event", "task", "task"]
    assert await letters.count(TENANT, WAITING) == 3


async def test_a_list_may_be_narrowed_by_everything_that_is_kept(storage: Storage, letters: DeadLetters) -> None:
    stored = await failed(storage)
    await failed(storage, "urgent")
    row = await letter_of(letters, stored)
    moment = timedelta(milliseconds=1)

    for narrow in (
        WantedLetters(definition_name="chain"),
        WantedLetters(workflow_id=row.workflow_id),
        WantedLetters(workflow_id=row.workflow_id, kind="task", state="waiting", agent_type="writer"),
        WantedLetters(workflow_id=row.workflow_id, category="business", code="SAID_NO"),
        WantedLetters(definition_name="chain", created_from=row.created_at, created_before=row.created_at + moment),
    ):
        assert [each.letter_id for each in await letters.wanted(TENANT, narrow, limit=9)] == [row.letter_id]
    for beside in (
        WantedLetters(workflow_id=row.workflow_id, kind="event"),
        WantedLetters(workflow_id=row.workflow_id, state="redriven"),
        WantedLetters(workflow_id=row.workflow_id, agent_type="editor"),
        WantedLetters(workflow_id=row.workflow_id, category="timeout"),
        WantedLetters(workflow_id=row.workflow_id, code="OTHER"),
        WantedLetters(workflow_id=row.workflow_id, created_before=row.created_at),
    ):
        assert await letters.count(TENANT, beside) == 0


@pytest.mark.parametrize("edited", [None, {"n": 2}])
async def test_one_that_was_redriven_waits_no_longer(
    storage: Storage, letters: DeadLetters, edited: dict[str, int] | None
) -> None:
    stored = await failed(storage)
    row = await letter_of(letters, stored)

    await storage.commit(entry_of(stored, RedriveTask(storage.now(), row.step, row.task_id, "bob", edited, "r1")))

    now = await letter_of(letters, stored)
    assert (now.state, now.ended_by, now.request_id) == (LetterState.REDRIVEN, "bob", "r1")
    assert now.ended_at is not None
    loaded = await storage.load(stored.key)
    assert loaded.workflow.status is WorkflowStatus.RUNNING
    assert set(loaded.workflow.edited) == ({row.step} if edited else set())
    assert edited is None or loaded.known.values[loaded.workflow.edited[row.step]] == edited


async def test_a_retry_of_the_workflow_redrives_and_another_failure_waits_anew(
    storage: Storage, letters: DeadLetters
) -> None:
    stored = await failed(storage)
    await storage.commit(entry_of(stored, RetryWorkflow(storage.now(), "bob")))
    await storage.commit(failing(storage, await storage.load(stored.key)))

    found = await letters.wanted(TENANT, WantedLetters(workflow_id=stored.key.workflow_id), limit=9)

    assert sorted(each.state for each in found) == ["redriven", "waiting"]


async def test_a_commit_that_lost_makes_no_letter(storage: Storage, letters: DeadLetters) -> None:
    stored = await storage.start()
    late = failing(storage, stored)
    await storage.commit(storage.cancelling(stored))

    [written] = await storage.commit(late)

    assert written.verdict == "lost"
    assert await letters.count(TENANT, WantedLetters(workflow_id=stored.key.workflow_id)) == 0


async def test_those_that_wait_are_ended_once_with_an_audit_row(storage: Storage, letters: DeadLetters) -> None:
    stored = await failed(storage)
    row = await letter_of(letters, stored)
    ending = Ending(LetterState.DISCARDED, "bob", storage.now(), "r1", "not worth it")

    first = await letters.end(TENANT, {row.letter_id: storage.audit_row()}, ending)
    again = await letters.end(TENANT, {row.letter_id: storage.audit_row()}, ending)
    foreign = await letters.end(OTHER_TENANT, {row.letter_id: storage.audit_row()}, ending)

    assert (list(first), list(again), list(foreign)) == ([row.letter_id], [], [])
    now = await letter_of(letters, stored)
    assert (now.state, now.ended_by, now.reason, now.request_id) == ("discarded", "bob", "not worth it", "r1")


async def test_a_discarded_letter_stays_so_when_its_workflow_is_retried(storage: Storage, letters: DeadLetters) -> None:
    stored = await failed(storage)
    row = await letter_of(letters, stored)
    ending = Ending(LetterState.DISCARDED, "bob", storage.now())
    await letters.end(TENANT, {row.letter_id: storage.audit_row()}, ending)

    await storage.commit(entry_of(stored, RetryWorkflow(storage.now(), "ann")))

    assert (await letter_of(letters, stored)).state is LetterState.DISCARDED


async def test_a_letter_of_an_event_is_kept_once_for_each_group(storage: Storage, letters: DeadLetters) -> None:
    kept = of_event(storage)
    await letters.add_event_letters([kept, replace(of_event(storage), group="other")])
    await letters.add_event_letters([of_event(storage), of_event(storage, tenant=OTHER_TENANT)])

    found = await letters.wanted(TENANT, WantedLetters(kind="event"), limit=9)

    assert sorted(each.group for each in found) == ["notifier", "other"]
    assert await letters.find(TENANT, kept.letter_id) == kept
    assert await letters.count(OTHER_TENANT, WantedLetters(kind="event")) == 1


async def test_an_event_that_is_given_up_again_after_it_was_redriven_waits_anew(
    storage: Storage, letters: DeadLetters
) -> None:
    first, again = of_event(storage), of_event(storage)
    await letters.add_event_letters([first])
    ending = Ending(LetterState.REDRIVEN, "bob", storage.now())
    await letters.end(TENANT, {first.letter_id: storage.audit_row()}, ending)

    await letters.add_event_letters([again])

    [waiting] = await letters.wanted(TENANT, replace(WAITING, kind="event"), limit=9)
    assert waiting.letter_id == again.letter_id
