"""The engine's storage, in PostgreSQL and in memory, and the few moves that tests make with either."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import asyncpg
from msgspec.structs import replace

from archwright import ids
from archwright.language.model import ErrorCategory
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from services.chassis.clock import Clock, ManualClock, SystemClock
from services.engine.domain.commands import (
    CancelWorkflow,
    Command,
    CompleteTask,
    EndChild,
    FailTask,
    FireTimer,
    SignalWorkflow,
    StartChild,
    StartWorkflow,
)
from services.engine.domain.decide import decide
from services.engine.domain.effects import Message, effects
from services.engine.domain.events import ArtifactMade
from services.engine.domain.values import Known, Unread
from services.engine.domain.workflow import Workflow
from services.engine.ports.artifacts import Artifacts
from services.engine.ports.breakers import Breakers
from services.engine.ports.bus_record import BusRecord
from services.engine.ports.census import Census
from services.engine.ports.contents import Contents
from services.engine.ports.dead_letters import DeadLetters
from services.engine.ports.history import History
from services.engine.ports.inbox import Inbox
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.quota import Quota
from services.engine.ports.store import Entry, NewWorkflow, Store, Stored, Written
from services.engine.ports.task_board import Claimed, DueTimer, Slot, TaskBoard
from services.engine.storage.artifacts import PostgresArtifacts
from services.engine.storage.breakers import PostgresBreakers
from services.engine.storage.bus_record import PostgresBusRecord
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.census import PostgresCensus
from services.engine.storage.contents.postgres import PostgresContents
from services.engine.storage.database import Database
from services.engine.storage.dead_letters import PostgresDeadLetters
from services.engine.storage.inbox import PostgresInbox
from services.engine.storage.memory.artifacts import MemoryArtifacts
from services.engine.storage.memory.breakers import MemoryBreakers
from services.engine.storage.memory.bus_record import MemoryBusRecord
from services.engine.storage.memory.census import MemoryCensus
from services.engine.storage.memory.contents import MemoryContents
from services.engine.storage.memory.dead_letters import MemoryDeadLetters
from services.engine.storage.memory.inbox import MemoryInbox
from services.engine.storage.memory.quota import MemoryQuota
from services.engine.storage.memory.store import MemoryStore
from services.engine.storage.memory.tables import Tables
from services.engine.storage.memory.task_board import MemoryTaskBoard
from services.engine.storage.quota import PostgresQuota
from services.engine.storage.store import PostgresStore
from services.engine.storage.task_board import TaskBoard as PostgresTaskBoard

TENANT, OTHER_TENANT = "acme", "other"
LEASE_SECONDS, ACCEPT_SECONDS = 0.5, 0.2
SOURCE = """
name: chain
timeout_seconds: 600
steps:
  - {name: draft, agent: writer, timeout_seconds: 30, queue_timeout_seconds: 60}
  - {name: review, agent: editor}
"""
URGENT = """
name: urgent
steps:
  - {name: draft, agent: writer, priority: critical}
"""
LARGE = f"""
name: large
steps:
  - name: look_at_each_of_them
    foreach:
      items: "{list(range(80))}"
      as: part
      steps:
        - {{name: look, agent: writer}}
        - {{name: report, agent: writer}}
"""
"""Its state is larger than what is written with every commit."""
APPROVED = """
name: approved
steps:
  - {name: consent, approval: {approvers: ["role:operator"]}}
"""
WATCHED = """
name: watched
steps:
  - {name: draft, agent: writer, idle_timeout_seconds: 10, on_unavailable: skip}
"""
THRIFTY = """
name: thrifty
steps:
  - {name: draft, agent: writer, cache: {key: "${topic}", ttl_seconds: 100}}
"""
PARENT = """
name: parent
steps:
  - {name: child, workflow: chain}
"""
PAUSING = """
name: pausing
steps:
  - {name: hold, wait: {seconds: 60}}
  - {name: review, agent: writer}
"""
SIGNALLED = """
name: signalled
steps:
  - {name: draft, agent: writer}
  - {name: hold, wait: {signal: go}}
  - {name: review, agent: writer, input: {said: "${steps.hold.output}"}}
"""
UNDOING = """
name: undoing
steps:
  - {name: reserve, agent: writer, compensate: {agent: writer, input: {outcome: "${outcome}"}}}
  - {name: pay, agent: writer, compensate: {agent: writer, input: {outcome: "${outcome}"}}, parallel_execution: true}
  - {name: ship, agent: writer, on_failure: compensate, parallel_execution: true}
"""
STRICT = """
name: strict
steps:
  - {name: draft, agent: writer, output_schema: {required: [n]}}
"""
AGREED = """
name: agreed
steps:
  - {name: consent, approval: {approvers: ["role:operator"], quorum: 2}}
"""
LONG = "name: long\nsteps:\n" + "".join(f"  - {{name: s{number}, agent: writer}}\n" for number in range(60))
"""Its steps go one after the other, each on what the one before it returned."""
SOURCES = (
    *(SOURCE, URGENT, LARGE, APPROVED, WATCHED, THRIFTY, PARENT),
    *(PAUSING, SIGNALLED, UNDOING, STRICT, AGREED, LONG),
)
PLANS = {plan.definition.name: plan for plan in (compile_plan(parse(source)) for source in SOURCES)}

_AGING = (
    "sessions",
    "open_tasks",
    "timers",
    "commits",
    "inbox",
    "step_cache",
    "permits",
    "bus",
    "bus_groups",
    "dead_letters",
)


class FullStore(Store, History, Protocol):
    """What both halves of a store promise."""


class Storage(Protocol):
    """One replica's storage."""

    store: FullStore
    board: TaskBoard
    inbox: Inbox
    quota: Quota
    breakers: Breakers
    census: Census
    bus_record: BusRecord
    letters: DeadLetters
    clock: Clock

    async def start(
        self, *, tenant: str = TENANT, request_id: str = "", plan: str = "chain", key: Key | None = None
    ) -> Stored:
        """Commit a workflow that has begun, and load it."""
        entry = self.beginning(key or new_key(tenant), request_id, plan)
        [written] = await self.commit(entry)
        assert written.verdict == "won"
        return await self.load(entry.key)

    async def claim_one(self) -> Claimed:
        """Give one of the waiting tasks to a session of its own."""
        [claimed] = await self.claims(await self.session())
        return claimed

    def now(self) -> datetime:
        """Return the time, as exactly as it is stored."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def load(self, key: Key) -> Stored:
        return (await self.store.load([key]))[key]

    async def commit(self, *entries: Entry) -> Sequence[Written]:
        return await self.store.commit(ids.new_uuid(), entries)

    async def session(
        self,
        agent_id: str = "a1",
        *,
        agent_type: str = "writer",
        tenant: str = "platform",
        keeping: Sequence[Fence] = (),
    ) -> uuid.UUID:
        session_id = ids.new_uuid()
        await self.board.open_session(session_id, agent_id, agent_type, tenant, keeping)
        return session_id

    async def claims(self, session_id: uuid.UUID, count: int = 1, *, tenant: str = TENANT) -> Sequence[Claimed]:
        slots = [Slot(session_id, ids.new_uuid()) for _ in range(count)]
        return await self.board.claim("writer", tenant, slots)

    async def claim(self, agent_id: str = "a1", *, tenant: str = TENANT) -> tuple[uuid.UUID, Fence]:
        """Give the one waiting task to a session of its own."""
        session_id = await self.session(agent_id)
        [claimed] = await self.claims(session_id, tenant=tenant)
        return session_id, fence_of(claimed)

    def beginning(self, key: Key, request_id: str = "", plan: str = "chain", *, admitted: bool = True) -> Entry:
        """Return the entry that starts a workflow."""
        new, known = Workflow(key.workflow_id), Known()
        request_id = request_id or key.workflow_id
        command = StartWorkflow(self.now(), key.workflow_id, {"topic": "tea"}, request_id, "ann", "", admitted)
        created = NewWorkflow(request_id, b"hash", plan, "1.0.0", PLANS[plan].content_hash, "ann", "")
        begun = Stored(key, PLANS[plan], new, 0, b"", known)
        return entry_of(begun, command, created=created, audit=(self.audit_row(),))

    def cancelling(self, stored: Stored, *fences: Fence) -> Entry:
        return entry_of(stored, CancelWorkflow(self.now(), "ann", ""), fences=fences)

    def completing(
        self, stored: Stored, fence: Fence, output: object = None, artifacts: Sequence[ArtifactMade] = ()
    ) -> Entry:
        """Return the entry of a result under a fence."""
        given = {"n": 1} if output is None else output
        now = self.now()
        command = CompleteTask(now, fence.task_id, fence.attempt, "a1", given, tuple(artifacts))
        return entry_of(stored, command, fences=(fence,))

    def failing(self, stored: Stored, fence: Fence) -> Entry:
        """Return the entry of a failure that will be tried again."""
        command = FailTask(
            now=self.now(),
            task_id=fence.task_id,
            attempt=fence.attempt,
            agent_id="a1",
            category=ErrorCategory.TRANSIENT,
            code="TRY_AGAIN",
            message="not yet",
            chance=0.5,
        )
        return entry_of(stored, command, fences=(fence,))

    def firing(self, stored: Stored, timer: DueTimer) -> Entry:
        return entry_of(stored, FireTimer(self.now(), timer.name, timer.generation))

    def heeding(self, stored: Stored, command: Command, message_key: str) -> Entry:
        """Return the entry of a command that came as a word from another workflow."""
        return replace(entry_of(stored, command), received=(message_key,))

    def signalling(self, stored: Stored, request_id: str) -> Entry:
        return entry_of(stored, SignalWorkflow(self.now(), "go", None, "ann", request_id))

    def saying(self, entry: Entry, to: Key, key: str, command: StartChild | EndChild | CancelWorkflow) -> Entry:
        """Return the entry with a word to another workflow."""
        message = Message(to.workflow_id, key, command)
        return replace(entry, effects=replace(entry.effects, messages=(message,)))

    def audit_row(self) -> AuditRow:
        at = self.now()
        return AuditRow(ids.new_uuid(), at, "ann", "StartWorkflow", "workflows", "ok", "127.0.0.1", "test")

    @abstractmethod
    async def age(self, seconds: float) -> None:
        """Let time pass for everything that is stored."""

    @abstractmethod
    async def keep_file(self, tenant: str, sha256: str, content: bytes) -> None:
        """Store a file of a tenant's."""

    @abstractmethod
    def another_bus_record(self) -> BusRecord:
        """Return the record of another replica."""

    @abstractmethod
    async def audit_count(self, tenant: str) -> int:
        """Return how many audit rows a tenant has."""


class PostgresStorage(Storage):
    """A replica's storage on PostgreSQL; `age` moves what is stored into the past, which comes to the same."""

    def __init__(self, dsn: str, owner_dsn: str) -> None:
        self.database = Database(dsn, pool_max=4)
        self._owner_dsn = owner_dsn
        replica = ids.new_uuid()
        self.store = PostgresStore(self.database, replica, accept_seconds=ACCEPT_SECONDS)
        self.board = PostgresTaskBoard(
            self.database, replica, lease_seconds=LEASE_SECONDS, accept_seconds=ACCEPT_SECONDS
        )
        self.inbox = PostgresInbox(self.database)
        self.quota = PostgresQuota(self.database, replica)
        self.breakers = PostgresBreakers(self.database)
        self.census = PostgresCensus(self.database)
        self.bus_record = PostgresBusRecord(self.database, replica)
        self.letters = PostgresDeadLetters(self.database)
        self.clock = SystemClock()

    async def age(self, seconds: float) -> None:
        owner = await asyncpg.connect(self._owner_dsn)
        try:
            columns = await owner.fetch(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'engine' "
                "AND data_type = 'timestamp with time zone' AND table_name = ANY($1::text[])",
                list(_AGING),
            )
            for table in _AGING:
                names = [row["column_name"] for row in columns if row["table_name"] == table]
                moved = ", ".join(f"{name} = {name} - make_interval(secs => $1)" for name in names)
                await owner.execute(f"UPDATE engine.{table} SET {moved}", seconds)
        finally:
            await owner.close()

    async def keep_file(self, tenant: str, sha256: str, content: bytes) -> None:
        await keep_file(PostgresArtifacts(self.database), PostgresContents(self.database), tenant, sha256, content)

    def another_bus_record(self) -> BusRecord:
        return PostgresBusRecord(self.database, ids.new_uuid())

    async def audit_count(self, tenant: str) -> int:
        async with self.database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
            return int(await connection.fetchval("SELECT count(*) FROM engine.audit"))

    async def close(self) -> None:
        """Close the connections and leave no task, session, timer or commit behind."""
        await self.database.close()
        owner = await asyncpg.connect(self._owner_dsn)
        tables = (*_AGING, "quotas", "approvals", "breakers")
        await owner.execute(f"TRUNCATE {', '.join(f'engine.{table}' for table in tables)}")
        await owner.close()


class MemoryStorage(Storage):
    """A replica's storage in memory."""

    def __init__(self) -> None:
        self._wound = ManualClock()
        self.tables = Tables(self._wound)
        for tenant in (TENANT, OTHER_TENANT):
            for plan in PLANS.values():
                self.tables.publish(tenant, plan)
        self.store = MemoryStore(self.tables, accept_seconds=ACCEPT_SECONDS)
        self.board = MemoryTaskBoard(self.tables, lease_seconds=LEASE_SECONDS, accept_seconds=ACCEPT_SECONDS)
        self.inbox = MemoryInbox(self.tables)
        self.quota = MemoryQuota(self.tables, ids.new_uuid())
        self.breakers = MemoryBreakers(self.tables)
        self.census = MemoryCensus(self.tables)
        self.bus_record = MemoryBusRecord(self.tables, ids.new_uuid())
        self.letters = MemoryDeadLetters(self.tables)
        self.clock = self._wound

    async def age(self, seconds: float) -> None:
        await self._wound.wind(seconds)

    async def keep_file(self, tenant: str, sha256: str, content: bytes) -> None:
        await keep_file(MemoryArtifacts(self.tables), MemoryContents(self.tables), tenant, sha256, content)

    def another_bus_record(self) -> BusRecord:
        return MemoryBusRecord(self.tables, ids.new_uuid())

    async def audit_count(self, tenant: str) -> int:
        in_commits = sum(key.tenant == tenant for key, _ in self.tables.audit)
        return in_commits + sum(of == tenant for of, _ in self.breakers.audit)


async def keep_file(artifacts: Artifacts, contents: Contents, tenant: str, sha256: str, content: bytes) -> None:
    """Keep a text as the engine does."""
    await artifacts.expect(tenant, sha256)
    size = await contents.put(tenant, sha256, in_pieces(content))
    await artifacts.keep(tenant, sha256, "text/plain", size)


async def in_pieces(content: bytes, size: int = 64 << 10) -> AsyncIterator[bytes]:
    """Yield the content as an agent sends it."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def prepare(database: Any) -> str:
    """Publish the definitions of these tests in a database; return the engine's DSN."""
    dsn: str = database.dsn("archwright_engine")
    first = Database(dsn, pool_max=2)
    for tenant in (TENANT, OTHER_TENANT):
        for source in SOURCES:
            await Catalogue(first).publish(tenant, source, "ann", MemoryStorage().audit_row())
    await first.close()
    return dsn


def new_key(tenant: str = TENANT, at_ms: int | None = None) -> Key:
    """Return the key of a new workflow; those of a later `at_ms` sort after the earlier."""
    chance = ids.new_uuid()
    return Key(tenant, ids.show("wf", chance if at_ms is None else ids.derived_uuid(at_ms, str(chance))))


def fence_of(claimed: Claimed) -> Fence:
    return Fence(claimed.task_id, claimed.attempt, claimed.lease_id)


def entry_of(
    stored: Stored,
    command: Command,
    *,
    fences: Sequence[Fence] = (),
    created: NewWorkflow | None = None,
    audit: Sequence[AuditRow] = (),
) -> Entry:
    """Return what a commit of one command about one workflow writes."""
    try:
        decided = decide(stored.plan, stored.workflow, command, stored.known)
    except Unread as unread:
        # As the committer does, only that nothing is in the cache.
        known = stored.known.having_read(dict.fromkeys(unread.cache_keys, ()))
        decided = decide(stored.plan, stored.workflow, command, known)
    return Entry(
        key=stored.key,
        expected_version=stored.version,
        before=stored.workflow,
        after=decided.workflow,
        events=decided.events,
        effects=effects(stored.plan, stored.workflow, decided.workflow, decided.events),
        head_hash=stored.head_hash,
        created=created,
        fences=tuple(fences),
        audit=tuple(audit),
        snapshot_bytes=stored.snapshot_bytes,
        tail_bytes=stored.tail_bytes,
    )
