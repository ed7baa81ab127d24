"""What is kept long enough goes, and nothing else, in PostgreSQL and in memory."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from event_letters import of_event
from storages import OTHER_TENANT, TENANT, MemoryStorage, PostgresStorage, Storage, entry_of

from archwright.language.model import ErrorCategory
from services.chassis.clock import ManualClock
from services.engine.domain.commands import FailTask, RetryWorkflow
from services.engine.domain.events import ArtifactMade
from services.engine.domain.transitions import WorkflowStatus
from services.engine.loops.retention import FILE_GRACE, Retention
from services.engine.ports.dead_letters import WantedLetters
from services.engine.ports.keys import Key
from services.engine.ports.retention import Leftovers
from services.engine.ports.store import Stored
from services.engine.storage.contents.postgres import PostgresContents
from services.engine.storage.memory.retention import MemoryLeftovers
from services.engine.storage.retention import PostgresLeftovers

DAY = timedelta(days=1)
KEEP_DAYS = 30
FILE = b"a drawing"


class Kept:
    """A storage, with what removes its leftovers and a clock that is wound for it."""

    def __init__(self, storage: Storage, leftovers: Leftovers) -> None:
        self.storage = storage
        self.leftovers = leftovers
        self.clock = ManualClock(storage.now())

    async def later(self, length: timedelta, keep_days: float = KEEP_DAYS) -> None:
        """Let time pass and look for leftovers."""
        await self.clock.wind(length.total_seconds())
        await Retention(self.leftovers, self.clock, keep_days=keep_days).step()

    async def cancelled(self, tenant: str = TENANT) -> Stored:
        started = await self.storage.start(tenant=tenant)
        [written] = await self.storage.commit(self.storage.cancelling(started))
        assert written.verdict == "won"
        return await self.storage.load(started.key)

    async def is_there(self, key: Key) -> bool:
        return bool(await self.storage.store.load([key]))

    async def put(self, content: bytes = FILE, tenant: str = TENANT) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        await self.storage.keep_file(tenant, sha256, content)
        return sha256


@pytest.fixture
async def kept(storage: Storage, database: Any) -> AsyncIterator[Kept]:
    match storage:
        case MemoryStorage():
            yield Kept(storage, MemoryLeftovers(storage.tables))
        case PostgresStorage():
            yield Kept(storage, PostgresLeftovers(storage.database, PostgresContents(storage.database)))
            owner = await asyncpg.connect(database.owner_dsn)
            await owner.execute(
                "TRUNCATE engine.workflows, engine.history, engine.artifact_references, engine.artifacts, "
                "engine.artifact_contents"
            )
            await owner.close()
        case _:
            raise AssertionError(storage)


async def test_a_workflow_that_ended_long_ago_is_removed_with_its_history(kept: Kept) -> None:
    ended = await kept.cancelled()

    await kept.later(KEEP_DAYS * DAY + timedelta(minutes=1))

    assert not await kept.is_there(ended.key)
    assert await kept.storage.store.summary(ended.key) is None
    assert not await kept.storage.store.events(ended.key, after_seq=0, limit=10)
    assert await kept.storage.store.find_by_request(TENANT, ended.key.workflow_id) is None


async def test_a_workflow_that_ended_lately_stays(kept: Kept) -> None:
    ended = await kept.cancelled()

    await kept.later(KEEP_DAYS * DAY - timedelta(minutes=1))

    assert await kept.is_there(ended.key)
    assert await kept.storage.store.events(ended.key, after_seq=0, limit=10)


async def test_a_workflow_that_has_not_ended_stays_for_ever(kept: Kept) -> None:
    started = await kept.storage.start()

    await kept.later(1_000 * DAY)

    assert await kept.is_there(started.key)


async def test_a_failed_workflow_that_was_retried_stays(kept: Kept) -> None:
    started = await kept.storage.start()
    failed = await fail(kept, started)
    [written] = await kept.storage.commit(entry_of(failed, RetryWorkflow(kept.storage.now(), "ann")))
    assert written.verdict == "won"

    await kept.later(1_000 * DAY)

    assert await kept.is_there(started.key)


async def test_a_failed_workflow_goes_like_any_other(kept: Kept) -> None:
    failed = await fail(kept, await kept.storage.start())

    await kept.later(KEEP_DAYS * DAY + timedelta(minutes=1))

    assert not await kept.is_there(failed.key)


async def test_workflows_of_all_tenants_go(kept: Kept) -> None:
    ended = [await kept.cancelled(tenant) for tenant in (TENANT, OTHER_TENANT)]

    await kept.later(KEEP_DAYS * DAY + timedelta(minutes=1))

    assert [await kept.is_there(each.key) for each in ended] == [False, False]


async def test_the_oldest_go_first_and_no_more_than_the_limit(kept: Kept) -> None:
    ended = [await kept.cancelled() for _ in range(3)]
    cutoff = kept.storage.now() + DAY

    assert await kept.leftovers.remove_workflows(cutoff, limit=2) == 2
    assert [await kept.is_there(each.key) for each in ended] == [False, False, True]
    assert await kept.leftovers.remove_workflows(cutoff, limit=2) == 1
    assert await kept.leftovers.remove_workflows(cutoff, limit=2) == 0


async def test_a_backlog_is_worked_off_in_one_look(kept: Kept) -> None:
    ended = [await kept.cancelled() for _ in range(120)]

    await kept.later(KEEP_DAYS * DAY + timedelta(minutes=1))

    assert not await kept.storage.store.load([each.key for each in ended])


async def test_with_no_days_to_keep_everything_stays(kept: Kept) -> None:
    ended = await kept.cancelled()

    await kept.later(10_000 * DAY, keep_days=0)

    assert await kept.is_there(ended.key)


async def test_a_file_that_nothing_names_goes_after_a_day(kept: Kept) -> None:
    await kept.put()

    await kept.later(FILE_GRACE - timedelta(minutes=1))
    assert await files(kept) == 1

    await kept.later(timedelta(minutes=2))
    assert await files(kept) == 0


async def test_a_file_that_is_named_stays_as_long_as_the_workflow_that_names_it(kept: Kept) -> None:
    ended = await with_file(kept)

    await kept.later((KEEP_DAYS - 1) * DAY)
    assert await files(kept) == 1

    await kept.later(2 * DAY)
    assert not await kept.is_there(ended.key)
    assert await files(kept) == 0


async def test_a_file_of_two_workflows_stays_while_one_of_them_does(kept: Kept) -> None:
    ended, going_on = await with_file(kept), await with_file(kept, end=False)

    await kept.later(KEEP_DAYS * DAY + timedelta(minutes=1))

    assert not await kept.is_there(ended.key)
    assert await kept.is_there(going_on.key)
    assert await files(kept) == 1


async def test_a_walk_over_files_goes_on_where_it_stopped(kept: Kept) -> None:
    for number in range(5):
        await kept.put(f"file {number}".encode())
    cutoff = kept.storage.now() + DAY

    first = await kept.leftovers.remove_files(cutoff, after=None, limit=3)
    second = await kept.leftovers.remove_files(cutoff, after=first.last, limit=3)

    assert (first.removed, second.removed, second.last) == (3, 2, None)


async def fail(kept: Kept, started: Stored) -> Stored:
    """Fail a workflow for good."""
    _, fence = await kept.storage.claim()
    command = FailTask(
        now=kept.storage.now(),
        task_id=fence.task_id,
        attempt=fence.attempt,
        agent_id="a1",
        category=ErrorCategory.PERMANENT,
        code="NO",
        message="never",
        chance=0.5,
    )
    [written] = await kept.storage.commit(entry_of(started, command, fences=(fence,)))
    assert written.verdict == "won"
    failed = await kept.storage.load(started.key)
    assert failed.workflow.status is WorkflowStatus.FAILED
    return failed


async def with_file(kept: Kept, *, end: bool = True) -> Stored:
    """Return a workflow whose first task made the file."""
    sha256 = await kept.put()
    started = await kept.storage.start()
    _, fence = await kept.storage.claim()
    made = (ArtifactMade("drawing", sha256),)
    [written] = await kept.storage.commit(kept.storage.completing(started, fence, artifacts=made))
    assert written.verdict == "won"
    going_on = await kept.storage.load(started.key)
    if end:
        [written] = await kept.storage.commit(kept.storage.cancelling(going_on))
        assert written.verdict == "won"
    return going_on


async def files(kept: Kept) -> int:
    """Return how many files there are, by walking over them one by one."""
    never = datetime(2000, 1, 1, tzinfo=UTC)
    count, after = 0, None
    while True:
        walked = await kept.leftovers.remove_files(never, after=after, limit=1)
        if walked.last is None:
            return count
        count, after = count + 1, walked.last


async def test_a_dead_letter_of_an_event_of_no_workflow_goes_when_it_is_old(kept: Kept) -> None:
    of_nothing = of_event(kept.storage)
    started = await kept.storage.start()
    of_one_under_way = replace(of_event(kept.storage, "e2"), workflow_id=started.key.workflow_id)
    await kept.storage.letters.add_event_letters([of_nothing, of_one_under_way])

    await kept.later((KEEP_DAYS - 1) * DAY)
    assert await kept.storage.letters.count(TENANT, WantedLetters()) == 2

    await kept.later(2 * DAY)
    [left] = await kept.storage.letters.wanted(TENANT, WantedLetters(), limit=9)
    assert left.letter_id == of_one_under_way.letter_id
