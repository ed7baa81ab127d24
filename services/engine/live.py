"""Tells watchers on this replica what is committed, as it happens.

A hint with a cursor: what a watcher misses it reads from history, so a feed may drop anything. Progress rides
along and is kept nowhere.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from services.engine.ports.commands import Change
from services.engine.ports.keys import Key

_WAITING_MAX = 256


@dataclass(frozen=True, slots=True)
class ProgressTold:
    """How a task is getting on, by its agent's word."""

    key: Key
    task_id: str
    step: str
    agent_type: str
    agent_id: str
    attempt: int
    percent: float
    message: str


@dataclass(frozen=True, slots=True)
class ChunkTold:
    """A piece of a task's output, ahead of its result."""

    key: Key
    task_id: str
    step: str
    agent_type: str
    agent_id: str
    attempt: int
    number: int
    """Counted from 1 within the attempt."""
    part: bytes


@dataclass(frozen=True, slots=True)
class TaskHanded:
    """A task went to an agent."""

    key: Key
    task_id: str
    step: str
    agent_type: str
    agent_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Something happened that this replica was not told; history has it."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The replica stops; watchers go on elsewhere from their cursor."""


Told = ProgressTold | ChunkTold | TaskHanded
"""How a task is getting on; kept nowhere."""

Update = Change | Told | ReadHistory | Closing


class Feed:
    """Where watchers of this replica listen."""

    def __init__(self) -> None:
        self._listening: dict[Key, set[asyncio.Queue[Update]]] = {}
        self._newest: dict[Key, int] = {}
        self._elsewhere: list[Callable[[Told], None]] = []

    @contextmanager
    def listen(self, key: Key) -> Iterator[asyncio.Queue[Update]]:
        """Hear of one workflow from now on."""
        queue: asyncio.Queue[Update] = asyncio.Queue(_WAITING_MAX)
        self._listening.setdefault(key, set()).add(queue)
        try:
            yield queue
        finally:
            queues = self._listening[key]
            queues.discard(queue)
            if not queues:
                del self._listening[key]
                self._newest.pop(key, None)

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Change]) -> None:
        """Pass commits on."""
        for change in changes:
            if change.key in self._listening:
                self._newest[change.key] = change.workflow.last_seq
                self._tell(change.key, change)

    def progress(self, told: Told) -> None:
        """Pass on how a task is getting on, here and elsewhere."""
        self.pass_on(told)
        for tell in self._elsewhere:
            tell(told)

    def pass_on(self, told: Told) -> None:
        """Pass on what another replica told."""
        if told.key in self._listening:
            self._tell(told.key, told)

    def call_on_progress(self, tell: Callable[[Told], None]) -> None:
        """Have somebody told whatever is told here. Must not wait and must not fail."""
        self._elsewhere.append(tell)

    def is_of_interest(self, key: Key) -> bool:
        """Return whether anybody may want to hear how a workflow is getting on."""
        return bool(self._elsewhere) or key in self._listening

    def watched(self) -> Collection[Key]:
        """Return the workflows that somebody listens to."""
        return list(self._listening)

    def newest(self, key: Key, last_seq: int) -> None:
        """Compare with what history holds; whoever is behind is told to read."""
        if key in self._listening and last_seq > self._newest.get(key, 0):
            self._newest[key] = last_seq
            self._tell(key, ReadHistory())

    def close(self) -> None:
        """Send every watcher elsewhere."""
        for key in self._listening:
            self._tell(key, Closing())

    def _tell(self, key: Key, update: Update) -> None:
        for queue in self._listening[key]:
            if queue.full():
                # A slow watcher loses hints, not events: the gap makes it read history.
                queue.get_nowait()
            queue.put_nowait(update)
