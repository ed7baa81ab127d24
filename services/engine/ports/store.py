"""The truth about workflows: what one commit writes, and what deciding needs of it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct, field

from archwright.language.plan import Plan
from services.engine.domain.effects import Effects
from services.engine.domain.events import Event, Json
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow
from services.engine.ports.keys import AuditRow, Fence, Key


class Stored(Struct, frozen=True, gc=False):
    """A workflow as it stands in the database, with what deciding about it needs."""

    key: Key
    plan: Plan
    workflow: Workflow
    version: int
    head_hash: bytes
    known: Known
    snapshot_bytes: int = 0
    """How long the state's text was when it was last made."""
    tail_bytes: int = 0
    """How long the events are together that came after the state that was last written."""


class NewWorkflow(Struct, frozen=True, gc=False):
    """The columns of a workflow's row that never change."""

    request_id: str
    request_hash: bytes
    definition_name: str
    definition_version: str
    definition_hash: str
    user_id: str
    session_id: str


class Grant(Struct, frozen=True, gc=False):
    """A delivery that begins with the task itself: it is born assigned."""

    session_id: uuid.UUID
    lease_id: uuid.UUID


class Entry(Struct, frozen=True, gc=False):
    """What one commit writes about one workflow. `expected_version` 0 means that it is new.

    `granted` are those of the new tasks that are born assigned; `received` are the keys of the messages that the
    commands came from, which are gone with the commit.
    """

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
    granted: Mapping[str, Grant] = field(default_factory=dict)
    received: tuple[str, ...] = ()
    snapshot_bytes: int = 0
    tail_bytes: int = 0


Verdict = Literal["won", "lost", "fenced", "exists"]
"""What became of an entry: written; moved meanwhile; a fence is no longer true; the request_id is taken."""


class Written(Struct, frozen=True, gc=False):
    """The fate of an entry, with the hash that the workflow's history ends in now, and the sizes of `Stored`."""

    verdict: Verdict
    head_hash: bytes = b""
    snapshot_bytes: int = 0
    tail_bytes: int = 0


class UnknownOutcome(Exception):
    """The connection broke during a commit: it may have happened or not. `Store.settle` finds out."""


class Indigestible(Exception):
    """The database refuses the data of an entry, and always will. Nothing was written."""


class Span(Struct, frozen=True, gc=False):
    """Events of one workflow that one commit wrote."""

    key: Key
    first_seq: int
    count: int


Compose = Callable[[Stored | None], Awaitable[Entry | None]]
"""Makes the entry of a workflow from what the database holds of it: None where there is nothing to write."""


class Store(Protocol):
    """The truth about workflows."""

    async def load(self, keys: Collection[Key], *, certain: bool = False) -> Mapping[Key, Stored]:
        """Return those of the workflows that exist: as of the last commit where that must be `certain`.

        Otherwise perhaps as of an earlier one. A commit finds that out by itself; a refusal must be certain.
        """
        ...

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write all entries that nobody overtook, in one transaction; return the fate of each, in order.

        Raises UnknownOutcome when the connection broke before the answer, and Indigestible when the
        database refuses the data of one of them.
        """
        ...

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        """Hold a workflow, so that nobody can overtake, and write what `compose` makes of it; return its fate.

        It waits for whoever is writing to the workflow, and whoever comes meanwhile loses. Raises what `commit` does.
        """
        ...

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Return who won in a commit whose outcome is unknown; None means that it never happened and never can."""
        ...

    async def cached(self, tenant: str, keys: Collection[str]) -> Mapping[str, Json]:
        """Return the outputs that the step cache has under these keys, and that are not out of date."""
        ...

    async def find_by_request(self, tenant: str, request_id: str) -> tuple[str, bytes] | None:
        """Return the workflow that this request started, and the hash of the request's body."""
        ...

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Return commits that nobody published within that time, oldest first, and reserve them briefly."""
        ...

    async def bus_epoch(self) -> int:
        """Return how often the bus has lost something so far."""
        ...

    async def mark_published(self, batch_ids: Collection[uuid.UUID], epoch: int | None = None) -> None:
        """Note that the bus has these commits' events, and forget those that nobody needs any more.

        `epoch` is as of before they were published: when the bus has lost something since, nothing is noted of them,
        and they are published once more. None is for who has no bus.
        """
        ...
