"""The checker itself: each violation that is planted is found, under its number."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from checker.facts import Applied, CopyFacts, Effect, Facts, Grant, Limits, Outage, Outside, Published
from checker.invariants import found_wrong
from checker.memory import read
from storages import OTHER_TENANT, TENANT, MemoryStorage, entry_of, new_key

from archwright import ids
from services.engine.domain.commands import CancelWorkflow, PauseWorkflow
from services.engine.domain.events import (
    TaskCompleted,
    TaskFailed,
    WorkflowCancelled,
    WorkflowPaused,
)
from services.engine.domain.transitions import TaskStatus, WorkflowStatus
from services.engine.ports.keys import Key
from services.engine.storage.codec import dump_events, load_events
from services.engine.storage.commits import next_hash
from services.engine.storage.memory.tables import HistoryRow

Plant = Callable[[MemoryStorage, Key], object]


async def sound(storage: MemoryStorage) -> Key:
    """Bring a workflow to where its second step waits for an agent, with every commit published."""
    stored = await storage.start()
    _, fence = await storage.claim()
    await storage.board.accept([fence])
    await storage.commit(storage.completing(stored, fence))
    await storage.store.mark_published(list(storage.tables.commits))
    return stored.key


def rewrite(storage: MemoryStorage, key: Key, change: Callable[[list[object]], list[object]]) -> None:
    """Change the events of the last commit, and make all that is around them look as if they had been so."""
    rows, row = storage.tables.history[key], storage.tables.workflows[key]
    last = rows.pop()
    events = change(list(load_events(last.body)))
    head = rows[-1].hash if rows else b""
    body = dump_events(events)  # type: ignore[arg-type]
    hashed = next_hash(head, key, last.first_seq, len(events), body)
    rows.append(HistoryRow(last.first_seq, len(events), hashed, body))
    row.head_hash, row.last_seq = hashed, last.first_seq + len(events) - 1


def lose_task(storage: MemoryStorage, key: Key) -> None:
    storage.tables.open_tasks.clear()


def lose_deadline(storage: MemoryStorage, key: Key) -> None:
    storage.tables.timers.clear()


def hold_task(storage: MemoryStorage, key: Key) -> None:
    for task in storage.tables.open_tasks.values():
        task.status = TaskStatus.HELD


def end_twice(storage: MemoryStorage, key: Key) -> None:
    now = storage.now()
    rewrite(storage, key, lambda events: [*events, *(WorkflowCancelled(now, "ann", "") for _ in range(2))])


def end_without_a_word(storage: MemoryStorage, key: Key) -> None:
    storage.tables.workflows[key].status = WorkflowStatus.CANCELLED


def lose_history(storage: MemoryStorage, key: Key) -> None:
    del storage.tables.history[key][0]


def break_hash(storage: MemoryStorage, key: Key) -> None:
    rows = storage.tables.history[key]
    rows[0] = replace(rows[0], body=rows[0].body.replace(b"tea", b"ale"))


def change_state(storage: MemoryStorage, key: Key) -> None:
    row = storage.tables.workflows[key]
    row.state = row.state.replace(b'"request":"', b'"request":"x')


def move_illegally(storage: MemoryStorage, key: Key) -> None:
    now = storage.now()
    ended = WorkflowCancelled(now, "ann", "")
    rewrite(storage, key, lambda events: [*events, ended, WorkflowPaused(now, "ann", "")])


def skip_version(storage: MemoryStorage, key: Key) -> None:
    storage.tables.workflows[key].version += 1


def apply_twice(storage: MemoryStorage, key: Key) -> None:
    def again(events: list[object]) -> list[object]:
        [done] = [event for event in events if isinstance(event, TaskCompleted)]
        return [*events, done]

    rewrite(storage, key, again)


def go_back_an_attempt(storage: MemoryStorage, key: Key) -> None:
    def later(events: list[object]) -> list[object]:
        [done] = [event for event in events if isinstance(event, TaskCompleted)]
        failed = TaskFailed(
            at=done.at,
            step=done.step,
            task_id=done.task_id,
            attempt=7,
            agent_id="a1",
            category="transient",  # type: ignore[arg-type]
            code="NO",
            message="no",
            charged=True,
            failures=1,
            retry_at=done.at,
        )
        return [failed, *events]

    rewrite(storage, key, later)


def never_publish(storage: MemoryStorage, key: Key) -> None:
    for row in storage.tables.commits.values():
        row.published_at, row.committed_at = None, row.committed_at - timedelta(seconds=31)


def lose_audit(storage: MemoryStorage, key: Key) -> None:
    storage.tables.audit.clear()


def audit_twice(storage: MemoryStorage, key: Key) -> None:
    storage.tables.audit *= 2


def leave_task(storage: MemoryStorage, key: Key) -> None:
    [task] = storage.tables.open_tasks.values()
    storage.tables.open_tasks["task_left"] = replace(task, task_id="task_left")


def hold_by_nobody(storage: MemoryStorage, key: Key) -> None:
    for task in storage.tables.open_tasks.values():
        task.status = TaskStatus.IN_PROGRESS


def leave_timer(storage: MemoryStorage, key: Key) -> None:
    [timer] = storage.tables.timers.values()
    gone = new_key()
    storage.tables.timers[gone, timer.name] = replace(timer, key=gone)


def give_task_away(storage: MemoryStorage, key: Key) -> None:
    [task] = storage.tables.open_tasks.values()
    task.key = Key(OTHER_TENANT, key.workflow_id)


def give_timer_away(storage: MemoryStorage, key: Key) -> None:
    for (_, name), timer in list(storage.tables.timers.items()):
        storage.tables.timers[Key(OTHER_TENANT, key.workflow_id), name] = timer


def lose_workflow(storage: MemoryStorage, key: Key) -> None:
    del storage.tables.workflows[key]


PLANTED: list[tuple[str, Plant]] = [
    ("I1", lose_task),
    ("I1", lose_deadline),
    ("I1", hold_task),
    ("I2", end_twice),
    ("I2", end_without_a_word),
    ("I3", lose_history),
    ("I3", break_hash),
    ("I3", change_state),
    ("I4", move_illegally),
    ("I4", skip_version),
    ("I5", apply_twice),
    ("I6", go_back_an_attempt),
    ("I7", never_publish),
    ("I8", lose_audit),
    ("I8", audit_twice),
    ("I9", give_task_away),
    ("I9", give_timer_away),
    ("I12", lose_workflow),
    ("I12", leave_task),
    ("I12", hold_by_nobody),
    ("I12", leave_timer),
]


async def test_a_sound_database_violates_nothing() -> None:
    storage = MemoryStorage()
    await sound(storage)

    assert found_wrong(read(storage.tables)) == []


@pytest.mark.parametrize(("number", "plant"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
async def test_a_planted_violation_is_found(number: str, plant: Plant) -> None:
    storage = MemoryStorage()
    key = await sound(storage)

    plant(storage, key)

    violations = found_wrong(read(storage.tables))
    assert any(each.startswith(f"{number} ") for each in violations), violations


async def facts_and_key(storage: MemoryStorage) -> tuple[Facts, Key]:
    key = await sound(storage)
    return read(storage.tables), key


TASK = ids.show("task", uuid.UUID(int=1))
LEASES = [uuid.UUID(int=n) for n in range(3)]


def seqs(facts: Facts) -> list[tuple[str, int]]:
    [found] = facts.workflows
    return [(found.key.workflow_id, seq) for seq in range(1, found.last_seq + 1)]


def published(facts: Facts, tenant: str = TENANT) -> list[Published]:
    return [Published(workflow_id, seq, tenant) for workflow_id, seq in seqs(facts)]


def copied(facts: Facts, tenant: str = TENANT, **what: Any) -> list[CopyFacts]:
    [found] = facts.workflows
    return [CopyFacts(Key(tenant, found.key.workflow_id), **what)]


OUTSIDE: list[tuple[str, str, Callable[[Facts], Outside]]] = [
    ("a start that was acknowledged and is gone", "I1", lambda _: Outside(acknowledged=[new_key()])),
    ("a workflow that should have ended", "I1", lambda _: Outside(must_be_over=True)),
    ("a result that no agent had", "I5", lambda _: Outside(effects=[])),
    ("an effect under one attempt twice", "I5", lambda _: Outside(effects=[Effect(TASK, 1), Effect(TASK, 1)])),
    (
        "a write under an older fence",
        "I6",
        lambda _: Outside(
            grants=[Grant(TASK, 1, LEASES[0]), Grant(TASK, 2, LEASES[1])], applied=[Applied(TASK, 1, LEASES[0], 2)]
        ),
    ),
    ("an event that the bus never got", "I7", lambda facts: Outside(published=published(facts)[:-1])),
    ("events in another order", "I7", lambda facts: Outside(seen={"watcher": seqs(facts)[::-1]})),
    ("an event that a subscriber missed", "I7", lambda facts: Outside(seen={"watcher": seqs(facts)[1:]})),
    ("an event in another tenant's name", "I9", lambda facts: Outside(published=published(facts, OTHER_TENANT))),
    ("a hot copy in another tenant's name", "I9", lambda facts: Outside(copies=copied(facts, OTHER_TENANT))),
    (
        "a hot copy that is not sealed",
        "I9",
        lambda facts: Outside(copies=copied(facts, text=b'{"topic":"tea"}'), secrets={TENANT: "tea"}),
    ),
    ("a history with another's secret", "I9", lambda _: Outside(secrets={OTHER_TENANT: "tea"})),
    ("more workflows than may be under way", "I10", lambda _: Outside(limits=Limits(workflows_running_max=0))),
    (
        "descriptors that were not closed",
        "I12",
        lambda _: Outside(before={"descriptors": 9}, after={"descriptors": 10}),
    ),
]


@pytest.mark.parametrize(("number", "look"), [each[1:] for each in OUTSIDE], ids=[each[0] for each in OUTSIDE])
async def test_a_violation_that_only_shows_from_outside_is_found(number: str, look: Callable[[Facts], Outside]) -> None:
    facts, _ = await facts_and_key(MemoryStorage())

    violations = found_wrong(facts, look(facts))

    assert any(each.startswith(f"{number} ") for each in violations), violations


async def test_what_is_seen_from_outside_may_be_sound() -> None:
    storage = MemoryStorage()
    facts, key = await facts_and_key(storage)
    [done] = [event for event in facts.workflows[0].events if isinstance(event, TaskCompleted)]

    seen = Outside(
        acknowledged=[key],
        published=published(facts),
        copies=copied(facts, text=b"sealed"),
        secrets={TENANT: "tea"},
        seen={"watcher": seqs(facts)},
        effects=[Effect(done.task_id, done.attempt)],
        limits=Limits(workflows_running_max=1),
        before={"descriptors": 9},
        after={"descriptors": 9},
    )

    assert found_wrong(facts, seen) == []


@pytest.mark.parametrize(
    ("moved_after_seconds", "is_found"), [((), True), ((31.0,), True), ((5.0,), False), ((5.0, 90.0), True)]
)
async def test_work_flows_again_in_time_after_the_last_fault(
    moved_after_seconds: tuple[float, ...], is_found: bool
) -> None:
    storage = MemoryStorage()
    facts, _ = await facts_and_key(storage)
    [found] = facts.workflows
    healed_at = storage.now()
    before = replace(found.commits[0], at=healed_at - timedelta(seconds=40))
    moves = [replace(found.commits[1], at=healed_at + timedelta(seconds=after)) for after in moved_after_seconds]
    facts = replace(facts, workflows=[replace(found, commits=[before, *moves])])
    outage = Outage(healed_at - timedelta(seconds=40), healed_at)

    violations = [each for each in found_wrong(facts, Outside(outage=outage)) if each.startswith("I11 ")]

    assert bool(violations) is is_found


async def test_a_pause_is_no_loss() -> None:
    storage = MemoryStorage()
    key = await sound(storage)
    stored = await storage.load(key)
    pause = PauseWorkflow(storage.now(), "ann", "")

    await storage.commit(entry_of(stored, pause, audit=[storage.audit_row()]))

    assert found_wrong(read(storage.tables)) == []


async def asking(storage: MemoryStorage) -> tuple[Key, str]:
    """Bring a workflow to where it waits for people; return which, and what it asks."""
    stored = await storage.start(plan="approved")
    await storage.store.mark_published(list(storage.tables.commits))
    [(_, approval_id)] = storage.tables.approvals
    return stored.key, approval_id


async def test_a_question_that_is_asked_and_one_that_is_answered_violate_nothing() -> None:
    storage = MemoryStorage()
    key, _ = await asking(storage)
    assert found_wrong(read(storage.tables)) == []

    cancel = CancelWorkflow(storage.now(), "ann", "")
    await storage.commit(entry_of(await storage.load(key), cancel, audit=[storage.audit_row()]))
    assert found_wrong(read(storage.tables)) == []


@pytest.mark.parametrize("change", ["lost", "over", "of another step", "never asked", "another tenant's"])
async def test_a_row_that_is_not_what_the_workflow_asks_is_found(change: str) -> None:
    storage = MemoryStorage()
    key, approval_id = await asking(storage)
    rows = storage.tables.approvals
    row = rows[key.tenant, approval_id]

    match change:
        case "lost":
            rows.clear()
        case "over":
            rows[key.tenant, approval_id] = replace(row, ended=True)
        case "of another step":
            rows[key.tenant, approval_id] = replace(row, step="another")
        case "never asked":
            rows[key.tenant, "approval_x"] = replace(row, approval_id="approval_x")
        case _:
            rows[OTHER_TENANT, approval_id] = replace(row, key=Key(OTHER_TENANT, key.workflow_id))

    violations = found_wrong(read(storage.tables))
    assert any(each.startswith("I3 approval ") for each in violations), violations
