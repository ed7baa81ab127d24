"""The store on real PostgreSQL: what a commit promises."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from archwright import ids
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from services.chassis.clock import SystemClock
from services.engine.domain.commands import CancelWorkflow, Command, CompleteTask, StartWorkflow
from services.engine.domain.decide import decide
from services.engine.domain.effects import effects
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.store import Entry, NewWorkflow, Stored, Written
from services.engine.ports.task_board import Slot
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.commits import next_hash
from services.engine.storage.database import Database as EngineDatabase
from services.engine.storage.migrate import migrate
from services.engine.storage.store import PostgresStore
from services.engine.storage.task_board import TaskBoard

SOURCE = "name: chain\nsteps:\n  - {name: draft, agent: writer}\n  - {name: review, agent: editor}\n"
PLAN = compile_plan(parse(SOURCE))
TENANT = "acme"
LEASE_SECONDS = 0.5


class Engine:
    """A replica's storage, and the few moves that these tests make with it."""

    def __init__(self, dsn: str) -> None:
        self.database = EngineDatabase(dsn, pool_max=4)
        replica = ids.new_uuid()
        self.store = PostgresStore(self.database, replica)
        self.board = TaskBoard(self.database, replica, lease_seconds=LEASE_SECONDS, accept_seconds=0.2)

    async def start(self, tenant: str = TENANT, request_id: str = "") -> Stored:
        key = Key(tenant, ids.show("wf", ids.new_uuid()))
        [written] = await self.commit(start_entry(key, request_id or key.workflow_id))
        assert written.verdict == "won"
        return await self.load(key)

    async def load(self, key: Key) -> Stored:
        return (await self.store.load([key]))[key]

    async def commit(self, *entries: Entry) -> list[Written]:
        return list(await self.store.commit(ids.new_uuid(), entries))

    async def claim(self, agent_id: str = "a1") -> tuple[uuid.UUID, Fence]:
        session = ids.new_uuid()
        await self.board.open_session(session, agent_id, "writer", "platform", [])
        [claimed] = await self.board.claim("writer", TENANT, [Slot(session, ids.new_uuid())])
        return session, Fence(claimed.task_id, claimed.attempt, claimed.lease_id)


def now() -> datetime:
    return SystemClock().now()


def start_entry(key: Key, request_id: str) -> Entry:
    new = Workflow(key.workflow_id)
    command = StartWorkflow(now(), key.workflow_id, {"topic": "tea"}, request_id, "ann", "")
    decided = decide(PLAN, new, command, Known())
    return Entry(
        key=key,
        expected_version=0,
        before=new,
        after=decided.workflow,
        events=decided.events,
        effects=effects(PLAN, new, decided.workflow, decided.events),
        head_hash=b"",
        created=NewWorkflow(request_id, b"hash", "chain", "1.0.0", PLAN.content_hash, "ann", ""),
        audit=(audit_row(),),
    )


def entry(stored: Stored, command: Command, *fences: Fence) -> Entry:
    decided = decide(stored.plan, stored.workflow, command, stored.known)
    return Entry(
        key=stored.key,
        expected_version=stored.version,
        before=stored.workflow,
        after=decided.workflow,
        events=decided.events,
        effects=effects(stored.plan, stored.workflow, decided.workflow, decided.events),
        head_hash=stored.head_hash,
        fences=fences,
    )


def complete(stored: Stored, fence: Fence, output: object = None) -> Entry:
    return entry(stored, CompleteTask(now(), fence.task_id, fence.attempt, "a1", output or {"n": 1}), fence)


def cancel(stored: Stored) -> Entry:
    return entry(stored, CancelWorkflow(now(), "ann", ""))


def audit_row() -> AuditRow:
    return AuditRow(ids.new_uuid(), now(), "ann", "StartWorkflow", "workflows", "ok", "127.0.0.1", "test")


@pytest.fixture(scope="module")
async def engine_dsn(database: Any) -> str:
    await migrate(database.owner_dsn)
    dsn = database.dsn("archwright_engine")
    first = EngineDatabase(dsn, pool_max=2)
    catalogue = Catalogue(first)
    for tenant in (TENANT, "other"):
        await catalogue.publish(tenant, SOURCE, "ann", audit_row())
    await first.close()
    return dsn


@pytest.fixture
async def engine(engine_dsn: str, database: Any) -> AsyncIterator[Engine]:
    found = Engine(engine_dsn)
    yield found
    await found.database.close()
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("TRUNCATE engine.open_tasks, engine.sessions, engine.timers, engine.commits")
    await owner.close()


async def test_a_committed_workflow_is_loaded_as_it_was(engine: Engine) -> None:
    stored = await engine.start()

    assert stored.version == 1
    assert stored.workflow.status is WorkflowStatus.RUNNING
    assert stored.known.input == {"topic": "tea"}
    assert set(stored.workflow.open) == {"draft"}


async def test_migrating_twice_changes_nothing(engine: Engine, database: Any) -> None:
    await asyncio.gather(migrate(database.owner_dsn), migrate(database.owner_dsn))


async def test_a_workflow_that_moved_meanwhile_drops_out_alone(engine: Engine) -> None:
    moved, still = await engine.start(), await engine.start()
    await engine.commit(cancel(moved))

    verdicts = [written.verdict for written in await engine.commit(cancel(moved), cancel(still))]

    assert verdicts == ["lost", "won"]
    assert (await engine.load(moved.key)).version == 2
    assert (await engine.load(still.key)).workflow.status is WorkflowStatus.CANCELLED


async def test_a_row_that_somebody_holds_is_skipped_and_not_waited_for(engine: Engine, database: Any) -> None:
    stored = await engine.start()
    other = await asyncpg.connect(database.owner_dsn)
    transaction = other.transaction()
    await transaction.start()
    await other.execute(
        "SELECT FROM engine.workflows WHERE workflow_id = $1 FOR UPDATE", ids.read("wf", stored.key.workflow_id)
    )
    try:
        async with asyncio.timeout(5):
            [written] = await engine.commit(cancel(stored))
    finally:
        await transaction.rollback()
        await other.close()

    assert written.verdict == "lost"


async def test_a_request_id_starts_one_workflow(engine: Engine) -> None:
    first = await engine.start(request_id="once")

    [written] = await engine.commit(start_entry(Key(TENANT, ids.show("wf", ids.new_uuid())), "once"))

    assert written.verdict == "exists"
    assert await engine.store.find_by_request(TENANT, "once") == (first.key.workflow_id, b"hash")


async def test_two_starts_of_one_request_in_one_batch_are_one_workflow(engine: Engine) -> None:
    keys = [Key(TENANT, ids.show("wf", ids.new_uuid())) for _ in range(2)]

    written = await engine.commit(*(start_entry(key, "twins") for key in keys))

    assert [each.verdict for each in written] == ["won", "exists"]


async def test_a_result_counts_with_its_fence(engine: Engine) -> None:
    stored = await engine.start()
    _, fence = await engine.claim()

    [written] = await engine.commit(complete(stored, fence, {"text": "leaf"}))

    assert written.verdict == "won"
    after = await engine.load(stored.key)
    assert set(after.workflow.open) == {"review"}
    assert list(after.known.values.values()) == [{"text": "leaf"}]


async def test_a_result_with_an_older_fence_changes_nothing(engine: Engine) -> None:
    stored = await engine.start()
    _, fence = await engine.claim()
    older = Fence(fence.task_id, fence.attempt, ids.new_uuid())

    [written] = await engine.commit(complete(stored, older))

    assert written.verdict == "fenced"
    assert (await engine.load(stored.key)).version == stored.version


async def test_a_revocation_of_a_session_spares_a_task_that_moved_to_another(engine: Engine) -> None:
    stored = await engine.start()
    session, fence = await engine.claim()
    again = ids.new_uuid()
    kept, _ = await engine.board.open_session(again, "a1", "writer", "platform", [fence])
    assert [held.fence.task_id for held in kept] == [fence.task_id]

    [written] = await engine.commit(
        complete(stored, Fence(fence.task_id, fence.attempt, fence.lease_id, session_id=session))
    )

    assert written.verdict == "fenced"


async def test_a_reconnecting_agent_keeps_only_what_it_was_leased(engine: Engine) -> None:
    await engine.start()
    _, fence = await engine.claim("a1")

    kept, left = await engine.board.open_session(ids.new_uuid(), "thief", "writer", "platform", [fence])

    assert not kept
    assert not left


async def test_an_agent_that_comes_back_without_its_task_leaves_it_to_be_revoked(engine: Engine) -> None:
    await engine.start()
    _, fence = await engine.claim()
    await engine.board.accept([fence])

    _, left = await engine.board.open_session(ids.new_uuid(), "a1", "writer", "platform", [])

    assert [held.fence.task_id for held in left] == [fence.task_id]


async def test_what_was_never_accepted_goes_back_without_a_charge(engine: Engine) -> None:
    await engine.start()
    _, fence = await engine.claim()

    _, left = await engine.board.open_session(ids.new_uuid(), "a1", "writer", "platform", [])

    assert not left
    _, again = await engine.claim("a2")
    assert (again.task_id, again.attempt) == (fence.task_id, fence.attempt + 1)
    assert again.lease_id != fence.lease_id


async def test_a_lost_answer_to_a_commit_is_settled_by_the_batchs_own_row(engine: Engine) -> None:
    key = Key(TENANT, ids.show("wf", ids.new_uuid()))
    batch_id = ids.new_uuid()
    await engine.store.commit(batch_id, [start_entry(key, "settled")])

    assert list(await engine.store.settle(batch_id) or ()) == [key]


async def test_a_commit_that_never_happened_never_can_once_it_is_settled(engine: Engine) -> None:
    batch_id = ids.new_uuid()

    assert await engine.store.settle(batch_id) is None
    with pytest.raises(Exception, match="commits_pkey"):
        await engine.store.commit(batch_id, [start_entry(Key(TENANT, ids.show("wf", ids.new_uuid())), "too late")])


async def test_the_more_urgent_and_then_the_older_task_is_claimed_first(engine: Engine) -> None:
    stored = [await engine.start() for _ in range(3)]
    session = ids.new_uuid()
    await engine.board.open_session(session, "a1", "writer", "platform", [])

    claimed = await engine.board.claim("writer", TENANT, [Slot(session, ids.new_uuid()) for _ in range(2)])

    assert {task.key for task in claimed} == {stored[0].key, stored[1].key}


async def test_a_tenants_agent_gets_no_other_tenants_task(engine: Engine) -> None:
    await engine.start(tenant="other")
    session = ids.new_uuid()
    await engine.board.open_session(session, "a1", "writer", TENANT, [])

    assert not await engine.board.claim("writer", TENANT, [Slot(session, ids.new_uuid())])


async def test_without_a_tenant_no_row_is_seen(engine: Engine) -> None:
    await engine.start()

    async with engine.database.engine() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.workflows") == 0
        assert await connection.fetchval("SELECT count(*) FROM engine.open_tasks") == 0


async def test_the_loops_see_every_tenants_tasks_and_nobodys_payloads(engine: Engine) -> None:
    await engine.start()
    await engine.start(tenant="other")

    async with engine.database.loops() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.open_tasks") == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("SELECT count(*) FROM engine.history")


async def test_another_tenants_workflow_is_not_there(engine: Engine) -> None:
    stored = await engine.start()

    assert await engine.store.summary(Key("other", stored.key.workflow_id)) is None
    assert not await engine.store.load([Key("other", stored.key.workflow_id)])


async def test_history_is_contiguous_and_chained(engine: Engine, database: Any) -> None:
    stored = await engine.start()
    _, fence = await engine.claim()
    await engine.commit(complete(stored, fence))

    assert [each.seq for each in await engine.store.events(stored.key, after_seq=0, limit=100)] == [1, 2, 3, 4, 5]
    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT first_seq, count, body, hash FROM engine.history WHERE workflow_id = $1 ORDER BY first_seq",
        ids.read("wf", stored.key.workflow_id),
    )
    await owner.close()
    head = b""
    for row in rows:
        head = next_hash(head, stored.key, row["first_seq"], row["count"], row["body"])
        assert row["hash"] == head


async def test_a_page_of_history_begins_after_its_cursor(engine: Engine) -> None:
    stored = await engine.start()

    page = await engine.store.events(stored.key, after_seq=1, limit=1)

    assert [each.seq for each in page] == [2]


async def test_an_expired_session_is_closed_and_says_what_it_holds(engine: Engine) -> None:
    await engine.start()
    session, fence = await engine.claim()
    await engine.board.accept([fence])
    async with engine.database.loops() as connection:
        await connection.execute("UPDATE engine.sessions SET expires_at = now() - interval '1 s'")

    async with asyncio.timeout(5):
        # Nothing expires before the database has been up for a lease.
        while not (held := await engine.board.expire()):
            await SystemClock().sleep(0.05)

    assert [each.fence.task_id for each in held] == [fence.task_id]
    assert session not in await engine.board.renew([session])


async def test_a_deadline_becomes_a_due_timer_once(engine: Engine) -> None:
    stored = await engine.start()
    async with engine.database.loops() as connection:
        await connection.execute("UPDATE engine.timers SET due_at = now() - interval '1 s'")

    assert [timer.key for timer in await engine.board.due_timers(10)] == [stored.key]
    assert not await engine.board.due_timers(10)


async def test_a_finished_workflow_leaves_no_timer_and_no_task(engine: Engine) -> None:
    stored = await engine.start()
    await engine.commit(cancel(stored))

    async with engine.database.loops() as connection:
        assert await connection.fetchval("SELECT count(*) FROM engine.timers") == 0
        assert await connection.fetchval("SELECT count(*) FROM engine.open_tasks") == 0


async def test_a_commit_that_nobody_published_is_found_once(engine: Engine) -> None:
    stored = await engine.start()

    [(batch_id, [span])] = await engine.store.publish_due(0)

    assert (span.key, span.first_seq, span.count) == (stored.key, 1, 3)
    assert not await engine.store.publish_due(0)
    await engine.store.mark_published([batch_id])


async def test_audit_rows_are_chained(engine: Engine, database: Any) -> None:
    await engine.start()
    await engine.start()

    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch(
        "SELECT writer, number, previous_hash, hash FROM engine.audit WHERE tenant_id = $1 ORDER BY writer, number",
        TENANT,
    )
    await owner.close()
    for before, after in pairwise(rows):
        if before["writer"] == after["writer"]:
            assert after["number"] == before["number"] + 1
            assert after["previous_hash"] == before["hash"]
