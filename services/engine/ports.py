"""What the engine's parts need of each other and of the world outside.

`api/`, `loops/` and `storage/` never import one another; they meet here, and `main` introduces them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from archwright.language.model import Priority
from archwright.language.plan import Plan
from services.engine.domain.commands import Command
from services.engine.domain.decide import Known
from services.engine.domain.effects import Effects
from services.engine.domain.events import Event
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Key:
    """Which workflow of which tenant."""

    tenant: str
    workflow_id: str


@dataclass(frozen=True, slots=True)
class Fence:
    """The delivery that a command speaks for. The commit counts only while the open task's row agrees.

    `session_id`, where given, must agree too: what the engine revokes, it revokes from that session.
    """

    task_id: str
    attempt: int
    lease_id: uuid.UUID | None
    session_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who asked for what, from where, and how it went: the seed's AuditEvent."""

    event_id: uuid.UUID
    at: datetime
    user_id: str
    action: str
    resource: str
    result: str
    ip_address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A workflow as it stands in the database, with what deciding about it needs."""

    key: Key
    plan: Plan
    workflow: Workflow
    version: int
    head_hash: bytes
    known: Known


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    """The columns of a workflow's row that never change."""

    request_id: str
    request_hash: bytes
    definition_name: str
    definition_version: str
    definition_hash: str
    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What one commit writes about one workflow. `expected_version` 0 means that it is new."""

    key: Key
    expected_version: int
    before: Workflow
    after: Workflow
    events: tuple[Event, ...]
    effects: Effects
    head_hash: bytes
    created: NewWorkflow | None = None
    fences: tuple[Fence, ...] = ()
    audit: tuple[AuditRow, ...] = ()


Verdict = Literal["won", "lost", "fenced", "exists"]
"""What became of an entry: written; moved meanwhile; a fence is no longer true; the request_id is taken."""


@dataclass(frozen=True, slots=True)
class Written:
    """The fate of an entry, with the hash that the workflow's history ends in now."""

    verdict: Verdict
    head_hash: bytes = b""


class UnknownOutcome(Exception):
    """The connection broke during a commit: it may have happened or not. `Store.settle` finds out."""


class Indigestible(Exception):
    """The database refuses the data of an entry, and always will. Nothing was written."""


class Store(Protocol):
    """The truth about workflows."""

    async def load(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """Return those of the workflows that exist, as of the last commit."""
        ...

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write all entries that nobody overtook, in one transaction; return the fate of each, in order.

        Raises UnknownOutcome when the connection broke before the answer, and Indigestible when the
        database refuses the data of one of them.
        """
        ...

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Return who won in a commit whose outcome is unknown; None means that it never happened and never can."""
        ...

    async def find_by_request(self, tenant: str, request_id: str) -> tuple[str, bytes] | None:
        """Return the workflow that this request started, and the hash of the request's body."""
        ...

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Return commits that nobody published within that time, oldest first, and reserve them briefly."""
        ...

    async def mark_published(self, batch_ids: Collection[uuid.UUID]) -> None:
        """Note that the bus has these commits' events."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Events of one workflow that one commit wrote."""

    key: Key
    first_seq: int
    count: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in history."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Summary:
    """A workflow as lists show it."""

    key: Key
    created: NewWorkflow
    plan: Plan
    workflow: Workflow


@dataclass(frozen=True, slots=True)
class OpenTask:
    """The row of a task that has not ended."""

    key: Key
    task_id: str
    step: str
    status: str
    attempt: int
    agent_id: str
    assigned_at: datetime | None
    accepted_at: datetime | None


class History(Protocol):
    """Reads what was committed."""

    async def summary(self, key: Key) -> Summary | None:
        """Return a workflow, or None when there is none."""
        ...

    async def summaries(
        self, tenant: str, *, limit: int, before: str, status: WorkflowStatus | None, definition_name: str
    ) -> Sequence[Summary]:
        """Return workflows, newest first, that are older than the id `before`; empty for the newest."""
        ...

    async def events(self, key: Key, *, after_seq: int, limit: int) -> Sequence[Numbered]:
        """Return events with a greater seq, oldest first."""
        ...

    async def last_seqs(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the number of the newest event of each workflow."""
        ...

    async def open_tasks(self, key: Key) -> Sequence[OpenTask]:
        """Return the rows of the workflow's open tasks."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one task in one session."""

    session_id: uuid.UUID
    lease_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that is now assigned to a session."""

    key: Key
    task_id: str
    step: str
    priority: Priority
    attempt: int
    lease_id: uuid.UUID
    session_id: uuid.UUID
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Held:
    """An open task that a session holds, with the fence that says so."""

    key: Key
    step: str
    agent_id: str
    fence: Fence


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose time has come."""

    key: Key
    name: str
    generation: int


class TaskBoard(Protocol):
    """Who works on what: open tasks and the sessions that hold them, on the database's clock."""

    async def open_session(
        self, session_id: uuid.UUID, agent_id: str, agent_type: str, tenant: str, keeping: Collection[Fence]
    ) -> tuple[Sequence[Held], Sequence[Held]]:
        """Begin a session and end the agent's older ones.

        Return which of `keeping` the new session holds now, and what the older ones held that it does not.
        """
        ...

    async def tenant_of_work(self, agent_tenant: str, agent_id: str, workflow_id: str) -> str | None:
        """Return whose workflow it is that the agent holds a task of; None when it holds none."""
        ...

    async def renew(self, session_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Collection[uuid.UUID]]:
        """Lengthen the leases of sessions that are still open; return them, each with the leases it holds."""
        ...

    async def expire(self) -> Sequence[Held]:
        """Close sessions whose lease is over and return what closed sessions still hold."""
        ...

    async def close_session(self, session_id: uuid.UUID) -> None:
        """Forget a session that holds nothing."""
        ...

    async def claim(self, agent_type: str, tenant: str, slots: Sequence[Slot]) -> Sequence[Claimed]:
        """Assign waiting tasks to the slots: the most urgent first, then the oldest."""
        ...

    async def accept(self, fences: Collection[Fence]) -> None:
        """Note that these deliveries were accepted; their time runs from now."""
        ...

    async def give_back(self, fence: Fence, *, after_seconds: float) -> None:
        """Let a task that was delivered in vain wait for another agent."""
        ...

    async def redeliver_unaccepted(self) -> int:
        """Let tasks whose agent did not accept in time wait for another; return how many."""
        ...

    async def overdue(self) -> Sequence[tuple[Held, Literal["execution", "queue"]]]:
        """Return open tasks that are out of time, and which time it was."""
        ...

    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        """Return timers whose time has come, and reserve them briefly."""
        ...

    async def drop_timer(self, timer: DueTimer) -> None:
        """Forget a timer that has become pointless."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A command on its way into a commit."""

    key: Key
    command: Command
    fence: Fence | None = None
    audit: AuditRow | None = None
    created: NewWorkflow | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command: the workflow after the commit that held it."""

    workflow: Workflow
    plan: Plan
    events: tuple[Event, ...] = field(default=())


class RequestTaken(Exception):
    """A start whose request_id has started a workflow before."""


class Commands(Protocol):
    """Takes commands and commits what they make true."""

    async def submit(self, asked: Asked) -> Answer:
        """Return once the command is durable.

        Raises TransitionIllegal, WorkflowNotFound, Stale, RequestTaken, or LimitReached when too many wait.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit told about one workflow."""

    key: Key
    first_seq: int
    events: tuple[Event, ...]
    workflow: Workflow
    plan: Plan
    agent_types: frozenset[str]
    """Types of agents that new tasks wait for."""
    ended_tasks: tuple[str, ...]


class Revoker(Protocol):
    """Takes tasks away from sessions that are over."""

    async def revoke(self, held: Sequence[Held]) -> None:
        """Fail these attempts, unless somebody was faster."""
        ...


class Waker(Protocol):
    """Somebody who gives out tasks."""

    def wake(self) -> None:
        """Look at once: there may be something to give, or somebody to take it."""
        ...


class Acceptor(Protocol):
    """Notes which deliveries were accepted."""

    def accept(self, fence: Fence) -> None:
        """Note it soon."""
        ...


class Listener(Protocol):
    """Somebody to be told of commits, right after them. Must not wait and must not fail."""

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, slots=True)
class PublishedDefinition:
    """A definition of a tenant, as it was published."""

    name: str
    version: str
    content_hash: str
    source: str
    plan: Plan
    created_at: datetime | None
    created_by: str
    built_in: bool


class Definitions(Protocol):
    """The definitions of tenants, and those that come with Archwright."""

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition; the newest when no version is named. Raises DefinitionNotFound."""
        ...

    async def publish(self, tenant: str, source: str, user_id: str, audit: AuditRow) -> PublishedDefinition:
        """Keep a definition. Raises DefinitionInvalid, or DefinitionVersionTaken when it exists with other content."""
        ...

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[PublishedDefinition]:
        """Return the newest version of each definition whose name sorts after `after`."""
        ...


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A named file of a workflow."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    task_id: str
    created_at: datetime


class Artifacts(Protocol):
    """Files that tasks produced, by the hash of their content."""

    async def put(self, tenant: str, sha256: str, media_type: str, content: bytes) -> None:
        """Keep a file; keeping it again changes nothing."""
        ...

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept."""
        ...

    async def get(self, key: Key, name: str) -> tuple[StoredArtifact, bytes] | None:
        """Return a file of a workflow, with its content."""
        ...

    async def list(self, key: Key) -> Sequence[StoredArtifact]:
        """Return the files of a workflow, by name."""
        ...


class Roster(Protocol):
    """The agents that the registry knows, as of its last word."""

    def is_registered(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent may connect."""
        ...

    def takes_new_work(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent should get new tasks."""
        ...
