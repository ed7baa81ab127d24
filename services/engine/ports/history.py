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
from services.engine.ports.store import NewWorkflow


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
class TaskRow:
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

    async def open_tasks(self, key: Key) -> Sequence[TaskRow]:
        """Return the rows of the workflow's open tasks."""
        ...
