"""What the checker looks at: rows of the engine's storage as values, and what others saw of it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from archwright.language.plan import Plan
from services.engine.domain.events import Event
from services.engine.domain.evolve import evolve
from services.engine.domain.transitions import TaskStatus, WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import Key
from services.engine.storage.codec import load_events


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """One row of history."""

    first_seq: int
    count: int
    hash: bytes
    body: bytes
    at: datetime | None = None


@dataclass(frozen=True)
class WorkflowFacts:
    """A workflow's row and its history. `stored` is the state last written, which is that after `state_seq` events."""

    key: Key
    plan: Plan
    request_id: str
    status: WorkflowStatus
    version: int
    last_seq: int
    head_hash: bytes
    stored: Workflow
    state_seq: int
    commits: Sequence[CommitFacts]

    @property
    def current(self) -> Workflow:
        """The workflow as it stands, by its history; as it was last written where its history is no good."""
        return self.stored if self.folded.impossible or not self.folded.after else self.folded.after[-1]

    @cached_property
    def events(self) -> Sequence[Event]:
        """All events, in the order in which they are kept."""
        return [event for commit in self.commits for event in load_events(commit.body)]

    @cached_property
    def folded(self) -> Folded:
        """The workflow after each event, as far as the events can be applied."""
        after: list[Workflow] = []
        workflow = Workflow(self.key.workflow_id)
        for event in self.events:
            try:
                workflow = evolve(self.plan, workflow, event)
            except (KeyError, AssertionError, AttributeError, TypeError) as error:
                told = f"{type(event).__name__} at seq {len(after) + 1}: {type(error).__name__}({error})"
                return Folded(after, impossible=told)
            after.append(workflow)
        return Folded(after)


@dataclass(frozen=True, slots=True)
class Folded:
    """A workflow after each of its events; and the first event, if any, that could not have happened."""

    after: Sequence[Workflow]
    impossible: str = ""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """The row of an open task."""

    key: Key
    task_id: str
    step: str
    status: TaskStatus
    attempt: int
    session_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class TimerFacts:
    """The row of a timer."""

    key: Key
    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class UnpublishedFacts:
    """A commit of which the bus may not know yet."""

    batch_id: uuid.UUID
    age_seconds: float


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """A row of the audit. `is_intact` says whether its own hash is that of its content."""

    tenant: str
    writer: str
    number: int
    event_id: uuid.UUID
    workflow_id: str
    action: str
    previous_hash: bytes = b""
    hash: bytes = b""
    is_intact: bool = True


@dataclass(frozen=True, slots=True)
class InboxFacts:
    """A word to a workflow that it has not taken yet."""

    target: Key
    name: str
    age_seconds: float


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """The row of a question to people, and whether they are no longer asked."""

    key: Key
    approval_id: str
    step: str
    seq: int
    ended: bool


@dataclass(frozen=True, slots=True)
class BelongingFacts:
    """Some table has a row of this workflow's, in the name of this tenant."""

    table: str
    key: Key


@dataclass(frozen=True, slots=True)
class CachedFacts:
    """An output of one tenant's, for other steps of that tenant's to use."""

    tenant: str
    output: bytes


@dataclass(frozen=True, slots=True)
class SightFacts:
    """The engine, in the name of one tenant (or of nobody: empty), can read rows of another's in this table."""

    table: str
    named: str
    seen: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one database says."""

    workflows: Sequence[WorkflowFacts] = ()
    tasks: Sequence[TaskFacts] = ()
    timers: Sequence[TimerFacts] = ()
    unpublished: Sequence[UnpublishedFacts] = ()
    audit: Sequence[AuditFacts] = ()
    inbox: Sequence[InboxFacts] = ()
    approvals: Sequence[ApprovalFacts] = ()
    belongings: Sequence[BelongingFacts] = ()
    cached: Sequence[CachedFacts] = ()
    sights: Sequence[SightFacts] = ()
    is_audit_chained: bool = True
    """Whether the audit's rows carry hashes; those in memory do not."""

    def among(self, workflow_ids: Collection[str]) -> Facts:
        """Return what concerns these workflows; what holds many, or none by name, is left whole."""
        return replace(
            self,
            workflows=[each for each in self.workflows if each.key.workflow_id in workflow_ids],
            tasks=[each for each in self.tasks if each.key.workflow_id in workflow_ids],
            timers=[each for each in self.timers if each.key.workflow_id in workflow_ids],
            inbox=[each for each in self.inbox if each.target.workflow_id in workflow_ids],
            approvals=[each for each in self.approvals if each.key.workflow_id in workflow_ids],
            belongings=[each for each in self.belongings if each.key.workflow_id in workflow_ids],
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that an agent did, by its own ledger."""

    task_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A delivery that the engine granted, in the order of grants."""

    task_id: str
    attempt: int
    lease_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Applied:
    """A commit that was accepted under a fence, and how many grants there had been by then."""

    task_id: str
    attempt: int
    lease_id: uuid.UUID | None
    grants_before: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may go on at once."""

    workflows_running_max: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """When the last fault began and ended."""

    began_at: datetime
    healed_at: datetime


@dataclass(frozen=True, slots=True)
class Published:
    """An event that the bus has, and whose it says that it is."""

    workflow_id: str
    seq: int
    tenant: str


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """A hot copy: whose it is by its name, what whoever comes by can read, and which workflow is in it, if known."""

    kept_as: Key
    text: bytes = b""
    holds: Key | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """A firing of a schedule that is behind it. `fate` is what was noted of it; empty where nothing was."""

    tenant: str
    schedule_id: str
    fire_at: datetime
    fate: Literal["started", "put off", "passed over", ""]


@dataclass(frozen=True, slots=True)
class Removed:
    """A workflow that retention took away, and before when it must have ended for that."""

    key: Key
    request_id: str
    status: WorkflowStatus
    ended_at: datetime | None
    due_before: datetime


@dataclass(frozen=True, slots=True)
class Rerun:
    """A workflow that goes on from a step of another, of which so many events were known then."""

    key: Key
    source: Key
    from_step: str
    seqs_known: int


@dataclass(frozen=True)
class Outside:
    """What was seen from outside of the database; None means that nobody looked.

    `acknowledged` are the workflows whose start was answered; `published` are the events that the bus has; `copies`
    are the hot copies; `secrets` is by tenant a text that only its workflows were ever given; `seen` is what each
    subscriber was told, in order; `effects` is the agents' ledger; `fired` is what schedules were noted to have done;
    `removed` is what retention took; `before` and `after` count what a process holds
    (descriptors, connections, …) before and after the faults.
    """

    acknowledged: Collection[Key] | None = None
    published: Collection[Published] | None = None
    copies: Collection[CopyFacts] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    effects: Sequence[Effect] | None = None
    grants: Sequence[Grant] = ()
    applied: Sequence[Applied] = ()
    limits: Limits = Limits()
    outage: Outage | None = None
    fired: Sequence[Fired] = ()
    removed: Sequence[Removed] = ()
    reruns: Sequence[Rerun] = ()
    must_be_over: bool = False
    """Whether every workflow has had the time to end."""
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
