"""How commands get into a commit, and who is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from archwright.language.plan import Plan
from services.engine.domain.commands import Command
from services.engine.domain.effects import NewTask
from services.engine.domain.events import Event
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.store import Entry, Grant, NewWorkflow, Stored


class Asked(Struct, frozen=True, gc=False):
    """A command on its way into a commit."""

    key: Key
    command: Command
    fence: Fence | None = None
    audit: AuditRow | None = None
    created: NewWorkflow | None = None
    plan: Plan | None = None
    message_key: str = ""
    """The message that the command came from, which is gone with the commit."""
    worked_seconds: float = 0.0
    """How long the agent had the task whose attempt the command ends."""


class Answer(Struct, frozen=True, gc=False):
    """What came of a command: the workflow after the commit that held it."""

    workflow: Workflow
    plan: Plan
    events: tuple[Event, ...] = ()


class RequestTaken(Exception):
    """A start whose request_id has started a workflow before."""


Reply = Callable[[Asked, "Answer | Exception"], None]
"""Somebody to be told what came of a command: its answer, or why there is none. Must not wait and must not fail."""


class Commands(Protocol):
    """Takes commands and commits what they make true."""

    def post(self, asked: Sequence[Asked], reply: Reply, *, for_people: bool = False) -> None:
        """Take commands that came together, and reply to each once it is durable or refused.

        Those `for_people`, who wait for the answer, go before those of agents, who do not; and a lone one goes before
        many that came at once, none of which is waited for by itself.
        """
        ...

    async def submit(self, asked: Asked) -> Answer:
        """Return once the command is durable.

        Raises TransitionIllegal, WorkflowNotFound, Stale, RequestTaken, or LimitReached when too many wait.
        """
        ...


class Change(Struct, frozen=True, gc=False):
    """What one commit told about one workflow."""

    key: Key
    first_seq: int
    events: tuple[Event, ...]
    before: Workflow
    workflow: Workflow
    plan: Plan
    queues: frozenset[str]
    """Queues in which new tasks wait for an agent."""
    ended_tasks: tuple[str, ...]
    sends: bool = False
    """Whether it wrote words to other workflows."""


class Granter(Protocol):
    """Gives tasks to agents as they are made. Must not wait and must not fail."""

    def grant(self, key: Key, plan: Plan, task: NewTask) -> Grant | None:
        """Reserve room for a task that is about to be made; None when it has to wait its turn."""
        ...

    def release(self, granted: Sequence[Mapping[str, Grant]]) -> None:
        """Give up room for tasks that were not made after all."""
        ...

    def send(self, stored: Stored, entry: Entry, inputs: Mapping[str, bytes]) -> None:
        """Hand over the tasks of a commit that were born assigned; these are the inputs of all that it made."""
        ...


class Listener(Protocol):
    """Somebody to be told of commits, right after them. Must not wait and must not fail."""

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Take note."""
        ...
