"""How commands get into a commit, and who is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archwright.language.plan import Plan
from services.engine.domain.commands import Command
from services.engine.domain.events import Event
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.store import NewWorkflow


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


class Listener(Protocol):
    """Somebody to be told of commits, right after them. Must not wait and must not fail."""

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Take note."""
        ...
