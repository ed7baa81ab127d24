"""Follows a workflow from a cursor: history first, then what happens, with nothing lost or repeated in between.

The watcher listens before it reads, so what is committed meanwhile waits for it. An update that continues the
cursor is passed on; one that leaves a gap is dropped and history is read instead; an older one is known already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from archwright.errors import CursorOutOfRange, WorkflowNotFound
from services.engine.domain.transitions import WorkflowStatus
from services.engine.live import ChunkTold, Closing, Feed, ProgressTold, ReadHistory, TaskHanded, Told
from services.engine.memory import Memory
from services.engine.ports.commands import Change
from services.engine.ports.history import History, Numbered, Summary
from services.engine.ports.keys import Key

_PAGE = 500
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Happened:
    """A fact, kept in history."""

    numbered: Numbered


@dataclass(frozen=True, slots=True)
class StillThere:
    """Nothing happened, and the stream is alive."""

    last_seq: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The workflow has ended and nothing follows."""

    status: WorkflowStatus
    last_seq: int


Seen = Happened | Told | StillThere | Ended


class Watching:
    """Lets callers follow workflows."""

    def __init__(self, history: History, feed: Feed, memory: Memory) -> None:
        self._history = history
        self._feed = feed
        self._memory = memory

    async def require(self, key: Key, after_seq: int) -> Summary:
        """Return the workflow; raises WorkflowNotFound, or CursorOutOfRange when it has not come that far."""
        summary = await self._history.summary(key)
        if summary is None:
            raise WorkflowNotFound.named(key.workflow_id)
        last_seq = summary.workflow.last_seq
        if not 0 <= after_seq <= last_seq:
            raise CursorOutOfRange(
                f"after_seq is {after_seq}, and the history of {key.workflow_id} ends at {last_seq}. "
                "Leave it out to begin at the start.",
                facts={"after_seq": str(after_seq), "last_seq": str(last_seq)},
            )
        return summary

    async def end_of(self, key: Key) -> AsyncIterator[StillThere | Ended]:
        """Yield signs of life until the workflow has ended, and its end."""
        with self._feed.listen(key) as updates:
            # Memory may be behind; then the next look for gaps has it read.
            stored = self._memory.peek(key)
            workflow = (await self.require(key, 0)).workflow if stored is None else stored.workflow
            while not workflow.status.is_final:
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        update = await updates.get()
                except TimeoutError:
                    yield StillThere(workflow.last_seq)
                    continue
                match update:
                    case Change():
                        workflow = update.workflow
                    case Closing():
                        return
                    case ReadHistory():
                        workflow = (await self.require(key, 0)).workflow
                    case _:
                        pass
        yield Ended(workflow.status, workflow.last_seq)

    async def follow(self, key: Key, after_seq: int) -> AsyncIterator[Seen]:
        """Yield what happened after the cursor, then what happens, until the workflow has ended."""
        cursor = after_seq
        with self._feed.listen(key) as updates:
            behind = True
            while True:
                if behind:
                    async for numbered in self._read(key, cursor):
                        cursor = numbered.seq
                        yield Happened(numbered)
                    behind = False
                    summary = await self.require(key, cursor)
                    if summary.workflow.last_seq > cursor:
                        behind = True
                        continue
                    if summary.workflow.status.is_final:
                        yield Ended(summary.workflow.status, cursor)
                        return
                try:
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        update = await updates.get()
                except TimeoutError:
                    yield StillThere(cursor)
                    continue
                match update:
                    case ProgressTold() | ChunkTold() | TaskHanded():
                        yield update
                    case Change(first_seq=first_seq, events=events) if first_seq == cursor + 1:
                        for seq, event in enumerate(events, start=first_seq):
                            cursor = seq
                            yield Happened(Numbered(seq, event))
                        if update.workflow.status.is_final:
                            yield Ended(update.workflow.status, cursor)
                            return
                    case Closing():
                        return
                    case Change(first_seq=first_seq) if first_seq <= cursor:
                        pass
                    case _:
                        behind = True

    async def _read(self, key: Key, cursor: int) -> AsyncIterator[Numbered]:
        while page := await self._history.events(key, after_seq=cursor, limit=_PAGE):
            for numbered in page:
                cursor = numbered.seq
                yield numbered
