"""Rule 10: a task is born assigned only while nothing older is known to wait in its queue."""

from __future__ import annotations

from typing import Any

import pytest
from one_replica import OneReplica, replica_on
from storages import TENANT, MemoryStorage

from archwright.language.model import Priority, Selection
from services.engine.domain.effects import NewTask


@pytest.fixture
def replica() -> OneReplica:
    """A replica whose clock is wound; nothing of this is in the database."""
    return replica_on(MemoryStorage())


@pytest.fixture
def task() -> NewTask:
    return NewTask("task_1", "draft", "writer", Priority.NORMAL, 0, 60, None)


def granted(replica: Any, task: NewTask) -> bool:
    return replica.dispatch.grant(TENANT, task, Selection.ROUND_ROBIN) is not None


async def test_not_before_the_queue_was_found_empty(replica: Any, task: NewTask) -> None:
    replica.connect()

    assert not granted(replica, task)
    replica.dispatch.note_empty("writer")
    assert granted(replica, task)


async def test_not_once_something_came_to_wait(replica: Any, task: NewTask) -> None:
    replica.connect()
    replica.dispatch.note_empty("writer")

    replica.dispatch.note_waiting("writer")

    assert not granted(replica, task)


async def test_an_empty_queue_is_believed_for_a_short_while(replica: Any, task: NewTask) -> None:
    replica.connect()
    replica.dispatch.note_empty("writer")

    await replica.storage.age(1)

    assert not granted(replica, task)


async def test_room_is_reserved_and_given_back_by_a_commit_that_did_not_win(replica: Any, task: NewTask) -> None:
    session = replica.connect(credit=1)
    replica.dispatch.note_empty("writer")
    grant = replica.dispatch.grant(TENANT, task, Selection.ROUND_ROBIN)
    assert (grant is not None, session.credit) == (True, 0)

    replica.dispatch.release({"task_1": grant})

    assert session.credit == 1


async def test_what_finds_no_room_makes_what_comes_later_wait_behind_it(replica: Any, task: NewTask) -> None:
    session = replica.connect(credit=0)
    replica.dispatch.note_empty("writer")
    assert not granted(replica, task)

    session.credit = 1

    assert not granted(replica, task)
