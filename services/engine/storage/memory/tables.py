"""The rows that the twin keeps, named and shaped as PostgreSQL's.

Several replicas share one `Tables`, as they share one database. States and histories are kept as the text that
PostgreSQL would hold, so that what cannot be written or read again is found here too.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from archwright.language.model import Priority
from archwright.language.plan import Plan
from services.chassis.clock import Clock
from services.engine.domain.evolve import fold
from services.engine.domain.transitions import TaskStatus, WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.approvals import ApprovalRow
from services.engine.ports.breakers import BreakerKey, KeptBreaker
from services.engine.ports.dead_letters import LetterRow
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.store import NewWorkflow
from services.engine.storage.codec import load_events
from services.engine.storage.state_codec import load_workflow


@dataclass(slots=True)
class WorkflowRow:
    """A workflow's one row of state. `state` is as of `state_seq`: what came since, its history tells."""

    key: Key
    created: NewWorkflow
    status: WorkflowStatus
    version: int
    last_seq: int
    head_hash: bytes
    state: bytes
    state_seq: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """The events that one commit wrote about one workflow."""

    first_seq: int
    count: int
    hash: bytes
    body: bytes


@dataclass(slots=True)
class TaskRow:
    """A task that has not ended. `order` stands for the moment within one transaction's time."""

    key: Key
    task_id: str
    step: str
    queue: str
    priority: Priority
    attempt: int
    timeout_seconds: int
    queue_by: datetime | None
    idle_seconds: int | None
    on_unavailable: bool
    prefers_agent: str
    created_at: datetime
    order: int
    status: TaskStatus = TaskStatus.PENDING
    lease_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    not_before: datetime | None = None
    assigned_at: datetime | None = None
    accept_by: datetime | None = None
    accepted_at: datetime | None = None
    execute_by: datetime | None = None
    idle_by: datetime | None = None

    def wait_again(self) -> None:
        """Let the task wait for another agent."""
        self.status = TaskStatus.PENDING
        self.lease_id = self.session_id = None
        self.assigned_at = self.accept_by = self.accepted_at = None


@dataclass(slots=True)
class SessionRow:
    """One agent's stream, and until when its lease runs."""

    session_id: uuid.UUID
    agent_id: str
    agent_type: str
    tenant: str
    expires_at: datetime
    closed: bool = False
    is_pulling: bool = False
    """Whether it is of an agent without a stream, and so no replica's."""


@dataclass(slots=True)
class TimerRow:
    """A command that is due at a time."""

    key: Key
    name: str
    generation: int
    due_at: datetime
    reserved_until: datetime | None = None


@dataclass(slots=True)
class MessageRow:
    """A word to a workflow, until the commit that heeds it."""

    key: Key
    name: str
    command: bytes
    created_at: datetime
    order: int
    reserved_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CachedRow:
    """An output that other steps may use again."""

    step: str
    output: bytes
    expires_at: datetime


@dataclass(slots=True)
class PermitsRow:
    """What a replica has borrowed and does not use."""

    free: int
    seen_at: datetime


@dataclass(slots=True)
class CommitRow:
    """One batch: who won in it, and whether the bus has its events."""

    batch_id: uuid.UUID
    committed_at: datetime
    spans: tuple[tuple[Key, int, int], ...]
    published_at: datetime | None = None
    reserved_until: datetime | None = None


@dataclass(slots=True)
class BusRow:
    """What is remembered of the bus."""

    life: str = ""
    epoch: int = 0
    kept_by: uuid.UUID | None = None
    kept_until: datetime | None = None
    groups: dict[str, datetime] = field(default_factory=dict)
    redelivered: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Dead letters of events, by tenant and id, that their groups were given again, and when."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file, and how far it is."""

    media_type: str
    size_bytes: int
    touched_at: datetime
    stage: Literal["arriving", "kept", "removing"]


@dataclass(frozen=True, slots=True, order=True)
class ReferenceRow:
    """A version of a name that a workflow has for a file."""

    sha256: str
    task_id: str
    created_at: datetime


@dataclass(slots=True)
class Tables:
    """Everything that one database keeps, on its own clock."""

    clock: Clock
    started_at: datetime = field(init=False)
    """When the database came up last; nothing expires until it has been up for a lease."""
    plans: dict[tuple[str, str, str], Plan] = field(default_factory=dict)
    """By tenant, name and version."""
    workflows: dict[Key, WorkflowRow] = field(default_factory=dict)
    requests: dict[tuple[str, str], Key] = field(default_factory=dict)
    history: dict[Key, list[HistoryRow]] = field(default_factory=dict)
    open_tasks: dict[str, TaskRow] = field(default_factory=dict)
    sessions: dict[uuid.UUID, SessionRow] = field(default_factory=dict)
    timers: dict[tuple[Key, str], TimerRow] = field(default_factory=dict)
    inbox: dict[tuple[Key, str], MessageRow] = field(default_factory=dict)
    step_cache: dict[tuple[str, str], CachedRow] = field(default_factory=dict)
    """By tenant and the key's SHA-256 in hexadecimal."""
    lent: dict[str, int] = field(default_factory=dict)
    """How many permits are lent, by tenant."""
    permits: dict[tuple[uuid.UUID, str], PermitsRow] = field(default_factory=dict)
    """By replica and tenant."""
    commits: dict[uuid.UUID, CommitRow] = field(default_factory=dict)
    bus: BusRow = field(default_factory=BusRow)
    approvals: dict[tuple[str, str], ApprovalRow] = field(default_factory=dict)
    """By tenant and approval."""
    letters: dict[tuple[str, str], LetterRow] = field(default_factory=dict)
    """By tenant and dead letter."""
    audit: list[tuple[Key, AuditRow]] = field(default_factory=list)
    """Each with the workflow that the call was about."""
    breakers: dict[BreakerKey, KeptBreaker] = field(default_factory=dict)
    files: dict[tuple[str, str], FileRow] = field(default_factory=dict)
    """By tenant and SHA-256 in hexadecimal."""
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """By tenant and SHA-256 in hexadecimal."""
    references: dict[tuple[Key, str], tuple[ReferenceRow, ...]] = field(default_factory=dict)
    """By workflow and name; the versions, from 1."""
    held: dict[Key, asyncio.Lock] = field(default_factory=dict)
    """Rows that somebody has to himself for a while."""
    order: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()

    def is_held(self, key: Key) -> bool:
        """Return whether somebody has a workflow's row to himself."""
        return key in self.held and self.held[key].locked()

    def publish(self, tenant: str, plan: Plan) -> None:
        """Keep a definition, so that workflows may follow it."""
        self.plans[tenant, plan.definition.name, plan.definition.version] = plan

    def plan_of(self, row: WorkflowRow) -> Plan:
        """Return the definition that a workflow pinned."""
        return self.plans[row.key.tenant, row.created.definition_name, row.created.definition_version]

    def state_of(self, row: WorkflowRow) -> Workflow:
        """Return a workflow as it stands: the state last written, and what has happened since."""
        workflow = load_workflow(row.key.workflow_id, row.status, row.state)
        tail = [each for each in self.history[row.key] if each.first_seq > row.state_seq]
        return fold(self.plan_of(row), workflow, (event for each in tail for event in load_events(each.body)))

    def until(self, seconds: float) -> datetime:
        """Return the time that many seconds from now."""
        return self.clock.now() + timedelta(seconds=seconds)
