"""What was committed, for whoever reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archwright.language.plan import Plan
from services.engine.domain.events import Event
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import Key
from services.engine.ports.store import NewWorkflow, Span


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
class Committed:
    """What one commit wrote about one workflow."""

    key: Key
    plan: Plan
    request_id: str
    first_seq: int
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which workflows a list is to show; whatever is empty does not matter.

    They are those beyond the id `after`, in the list's order: newest first, unless `oldest_first`.
    """

    status: WorkflowStatus | None = None
    unlike_status: WorkflowStatus | None = None
    definition_name: str = ""
    definition_version: str = ""
    user_id: str = ""
    session_id: str = ""
    created_from: datetime | None = None
    created_before: datetime | None = None
    after: str = ""
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class TaskRow:
    """The row of a task that has not ended. What it waits for are agents that are as its queue says."""

    key: Key
    task_id: str
    step: str
    queue: str
    status: str
    attempt: int
    agent_id: str
    lease_expires_at: datetime | None
    assigned_at: datetime | None
    accepted_at: datetime | None


PLACES_MAX = 10_000
"""How far back in a queue a task's place is looked for."""


class History(Protocol):
    """Reads what was committed."""

    async def summary(self, key: Key) -> Summary | None:
        """Return a workflow, or None when there is none."""
        ...

    async def summaries(self, tenant: str, wanted: Wanted, *, limit: int) -> Sequence[Summary]:
        """Return the first of the wanted workflows."""
        ...

    async def events(self, key: Key, *, after_seq: int, limit: int) -> Sequence[Numbered]:
        """Return events with a greater seq, oldest first."""
        ...

    async def committed(self, spans: Sequence[Span]) -> Sequence[Committed]:
        """Return what these commits wrote, in their order, of workflows that are still kept."""
        ...

    async def last_seqs(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the number of the newest event of each workflow."""
        ...

    async def open_tasks(self, key: Key) -> Sequence[TaskRow]:
        """Return the rows of the workflow's open tasks."""
        ...

    async def places(self, tenant: str, queue: str, task_ids: Collection[str]) -> Mapping[str, int]:
        """Return how many of the tenant's tasks go before each of these that wait in a queue.

        Only the first `PLACES_MAX` of a queue are looked at.
        """
        ...
