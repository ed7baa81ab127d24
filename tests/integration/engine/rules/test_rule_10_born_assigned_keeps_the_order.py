"""Rule 10: a task is born assigned only while nothing older is known to wait in its queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from one_replica import OneReplica, replica_on
from storages import TENANT, MemoryStorage

from archwright.language.model import Priority, Selection
from services.engine.assignments import Assigner
from services.engine.domain.effects import NewTask
from services.engine.live import Feed
from services.engine.loops.claimer import Claimer
from services.engine.ports.task_board import Claimed, Slot
from services.engine.roster import AgentTold
from services.engine.sessions import Session
from services.engine.storage.memory.task_board import MemoryTaskBoard


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


async def test_tasks_are_born_assigned_again_once_a_look_found_little_however_much_comes_meanwhile(
    replica: Any, task: NewTask
) -> None:
    replica.connect(credit=100)
    await replica.storage.start()
    looks = Claimer(
        WhileSomethingComes(replica), replica.sessions, assigner(replica), replica.dispatch, replica.gate,
        replica.storage.clock, poll_seconds=0.1,
    )  # fmt: skip
    assert not granted(replica, task)

    looks.wake()
    await looks.step()

    assert granted(replica, task)


@pytest.mark.parametrize(("registered", "given"), [(2, 2), (0, 5)], ids=["for two", "nobody knows for how many"])
async def test_an_agent_is_never_given_more_than_it_registered_for_whatever_credit_it_gives(
    replica: Any, task: NewTask, registered: int, given: int
) -> None:
    replica.roster.tell(AgentTold(TENANT, "a1", "ONLINE", "writer", max_concurrent_tasks=registered))
    replica.connect(credit=1_000)
    replica.dispatch.note_empty("writer")

    assert [granted(replica, task) for _ in range(5)].count(True) == given


async def test_of_a_claim_and_a_birth_that_compete_for_one_slot_one_gets_it_and_the_other_waits(replica: Any) -> None:
    storage = replica.storage
    [waiting] = (await storage.start()).workflow.open.values()
    session = Session(await storage.session(), "a1", "writer", TENANT, credit=1)
    replica.sessions.add(session)
    looks = Claimer(
        WhileTheSlotIsTaken(replica, session), replica.sessions, assigner(replica), replica.dispatch, replica.gate,
        storage.clock, poll_seconds=0.1,
    )  # fmt: skip

    looks.wake()
    await looks.step()

    assert (session.held, session.credit) == ({}, 0)
    [again] = await storage.claims(await storage.session())
    assert again.task_id == waiting.task_id


class WhileTheSlotIsTaken:
    """The task board of a replica at which a commit gives a task to an agent while a claim for it is under way."""

    def __init__(self, replica: Any, session: Session) -> None:
        self._board: MemoryTaskBoard = replica.storage.board
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._board, name)

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        claimed = await self._board.claim(queue, tenant, slots)
        assert len(claimed) == 1
        self._session.reserve()
        return claimed


class WhileSomethingComes:
    """The task board of a replica that is so busy that some task comes to wait whenever it looks."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica
        self._board: MemoryTaskBoard = replica.storage.board

    def __getattr__(self, name: str) -> Any:
        return getattr(self._board, name)

    async def claim(self, queue: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        claimed = await self._board.claim(queue, tenant, slots)
        self._replica.dispatch.note_waiting(queue)
        return claimed


def assigner(replica: Any) -> Assigner:
    storage = replica.storage
    return Assigner(storage.store, replica.memory, replica.dispatch, replica.sessions, Feed(), storage.clock)
