"""What a session makes of words that come late, or from somebody else: only what they say of its own deliveries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archwright import ids, language
from archwright.language.model import ErrorCategory
from services.engine.domain.events import Event, TaskCancelled, TaskCompleted, TaskFailed
from services.engine.domain.workflow import Workflow
from services.engine.ports.commands import Change
from services.engine.ports.keys import Key
from services.engine.sessions import Assignment, HeldTask, Session, Sessions

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = Key("acme", "wf_01k0000000e008000000000000")
TASK = "task_01k0000000e008000000000000"
PLAN = language.compile(language.load("name: one\nsteps: [{name: a, agent: writer}]"))


def holding(attempt: int) -> tuple[Sessions, Session]:
    """Return sessions of which one holds this attempt at the task."""
    session = Session(ids.new_uuid(), "a1", "writer", "platform")
    lease = ids.new_uuid()
    session.held[TASK] = HeldTask(KEY, TASK, attempt, lease, "a", ids.show("lease", lease))
    sessions = Sessions()
    sessions.add(session)
    return sessions, session


def told(sessions: Sessions, event: Event) -> None:
    workflow = Workflow(KEY.workflow_id)
    change = Change(KEY, 4, (event,), workflow, workflow, PLAN, frozenset(), (TASK,))
    sessions.committed(ids.new_uuid(), [change])


def failed(attempt: int) -> TaskFailed:
    return TaskFailed(NOON, "a", TASK, attempt, "a1", ErrorCategory.TRANSIENT, "LOST", "it was lost", True, 1, NOON)


def completed(attempt: int) -> TaskCompleted:
    return TaskCompleted(NOON, "a", TASK, attempt, "a1", output={}, next="")


def test_the_late_word_of_an_attempt_that_ended_leaves_the_next_one_alone() -> None:
    sessions, session = holding(attempt=2)

    told(sessions, failed(attempt=1))

    assert TASK in session.held


def test_an_attempt_that_somebody_else_ended_is_taken_from_its_agent() -> None:
    sessions, session = holding(attempt=2)

    told(sessions, failed(attempt=2))

    assert TASK not in session.held


def test_a_task_that_was_called_off_is_taken_whatever_the_attempt() -> None:
    sessions, session = holding(attempt=2)

    told(sessions, TaskCancelled(NOON, "a", TASK))

    assert TASK not in session.held


@pytest.mark.parametrize(
    ("event", "is_told"),
    [
        (TaskCancelled(NOON, "a", TASK), True),
        (failed(attempt=1), True),
        (completed(attempt=1), False),
    ],
    ids=["called off", "perhaps by a time-out", "by its agent's own word"],
)
def test_others_are_told_of_what_ended_unless_the_agent_said_so_itself(event: Event, is_told: bool) -> None:
    sessions, told_of = Sessions(), list[str]()
    sessions.call_on_ended_elsewhere(told_of.append)

    told(sessions, event)

    assert told_of == [TASK] * is_told


def assignment(attempt: int) -> Assignment:
    told = (KEY, TASK, attempt, ids.new_uuid(), "a", "write", b"{}", b"{}", NOON)
    return Assignment(*told, failures=0)


def test_a_delivery_that_comes_after_a_later_one_is_not_handed_over() -> None:
    _, session = holding(attempt=2)
    held = session.held[TASK]

    session.assign(assignment(attempt=1))

    assert session.held == {TASK: held}
    assert session.credit == 1, "the room that was taken for it is given back"


def test_a_later_delivery_takes_the_place_of_an_earlier_one() -> None:
    _, session = holding(attempt=1)

    session.assign(assignment(attempt=2))

    assert session.held[TASK].attempt == 2
