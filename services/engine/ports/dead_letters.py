"""What is out of retries and waits for a person: tasks, and events that a group of the bus could not deal with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.engine.ports.keys import AuditRow


class LetterKind(StrEnum):
    """What a dead letter is of."""

    TASK = "task"
    EVENT = "event"


class LetterState(StrEnum):
    """Where a dead letter stands."""

    WAITING = "waiting"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A dead letter.

    Of a task it says where in history the rest stands: `seq` is the event by which the task failed. Of an event it
    holds the event itself, as the bus carried it, the group that could not deal with it, and what that said.
    """

    letter_id: str
    tenant: str
    kind: LetterKind
    workflow_id: str
    definition_name: str
    definition_version: str
    category: str
    code: str
    attempts: int
    created_at: datetime
    step: str = ""
    task_id: str = ""
    agent_type: str = ""
    seq: int = 0
    group: str = ""
    event_id: str = ""
    envelope: bytes = b""
    error: str = ""
    state: LetterState = LetterState.WAITING
    ended_at: datetime | None = None
    ended_by: str = ""
    reason: str = ""
    request_id: str = ""
    """Of whoever ended it."""


@dataclass(frozen=True, slots=True)
class WantedLetters:
    """Which dead letters are asked for; whatever is empty does not matter. They are older than the id `after`."""

    kind: str = ""
    state: str = ""
    workflow_id: str = ""
    definition_name: str = ""
    agent_type: str = ""
    category: str = ""
    code: str = ""
    created_from: datetime | None = None
    created_before: datetime | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a dead letter is ended: by whom, when, by which request, and why."""

    state: LetterState
    user_id: str
    at: datetime
    request_id: str = ""
    reason: str = ""


class DeadLetters(Protocol):
    """Keeps dead letters. Those of tasks come and are redriven with the commits of their workflows."""

    async def find(self, tenant: str, letter_id: str) -> LetterRow | None:
        """Return a tenant's dead letter, or None when there is none."""
        ...

    async def wanted(self, tenant: str, wanted: WantedLetters, *, limit: int) -> Sequence[LetterRow]:
        """Return the first of the wanted dead letters, newest first."""
        ...

    async def count(self, tenant: str, wanted: WantedLetters) -> int:
        """Return how many are wanted."""
        ...

    async def end(self, tenant: str, letters: Mapping[str, AuditRow], ending: Ending) -> Collection[str]:
        """End those of these dead letters that wait, each with its audit row, and return which."""
        ...

    async def add_event_letters(self, rows: Sequence[LetterRow]) -> None:
        """Keep dead letters of events. One of the same group and event that waits stays as it is."""
        ...
