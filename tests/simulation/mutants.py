"""Engines that are wrong in one way each. The invariants must catch every one of them, or they are not worth much."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from msgspec.structs import replace
from typing_extensions import override

from archwright import ids
from archwright.language.model import Json
from services.engine.domain.schedule import Progress, Schedule, Start, started
from services.engine.domain.transitions import WorkflowStatus
from services.engine.hot_store import HotStore
from services.engine.loops.command_queue import CommandQueue, Waiting
from services.engine.loops.committer import Committer
from services.engine.loops.deliver_messages import DeliverMessages
from services.engine.loops.relay import Relay
from services.engine.loops.retention import Retention
from services.engine.loops.schedules import FiringSchedules
from services.engine.ports.commands import Answer, Asked
from services.engine.ports.inbox import Mail
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Stored, Written
from services.engine.ports.task_board import DueTimer
from services.engine.starts import Started, Starts
from services.engine.storage.memory.quota import MemoryQuota
from services.engine.storage.memory.retention import MemoryLeftovers
from tests.simulation.watched_storage import WatchedBoard, WatchedStore


@dataclass(frozen=True)
class Mutation:
    """What a replica is built of; the real parts, unless a mutant takes the place of one."""

    store: Callable[..., Any] = WatchedStore
    board: Callable[..., Any] = WatchedBoard
    committer: Callable[..., Any] = Committer
    relay: Callable[..., Any] = Relay
    messages: Callable[..., Any] = DeliverMessages
    hot_store: Callable[..., Any] = HotStore
    quota: Callable[..., Any] = MemoryQuota
    starts: Callable[..., Any] = Starts
    firing: Callable[..., Any] = FiringSchedules
    leftovers: Callable[..., Any] = MemoryLeftovers
    retention: Callable[..., Any] = Retention


class _NoFence(WatchedStore):
    """Believes every result."""

    @override
    def _is_true(self, *_: object) -> bool:
        return True


class _NoVersion(WatchedStore):
    """Writes over what others wrote meanwhile: read before lock."""

    @override
    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        rows = self._tables.workflows
        blind = [
            replace(entry, expected_version=rows[entry.key].version)
            if entry.created is None and entry.key in rows
            else entry
            for entry in entries
        ]
        return await super().commit(batch_id, blind)


class _LosesTimers(WatchedBoard):
    """Deletes a timer when it is handed out, and not in the commit that applies it."""

    @override
    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        due = await super().due_timers(limit)
        for timer in due:
            del self._tables.timers[timer.key, timer.name]
        return due


class _NeverExpires(WatchedBoard):
    """Waits for lost agents for ever."""

    @override
    async def expire(self) -> Sequence[Any]:
        return []


class _NeverRedelivers(WatchedBoard):
    """Thinks that what was sent has arrived."""

    @override
    async def redeliver_unaccepted(self) -> int:
        return 0


class _AckBeforeCommit(Committer):
    """Answers as soon as it has decided."""

    @override
    async def _write(self, drafts: Sequence[Any]) -> None:
        for draft in drafts:
            for waiting, events in draft.settled:
                waiting.answer(Answer(draft.after, draft.stored.plan, events))
        await super()._write(drafts)


class _ForgetfulQueue(CommandQueue):
    @override
    def put_back(self, batch: Sequence[Waiting]) -> None:
        for waiting in batch:
            waiting.answer(Answer(None, None))  # type: ignore[arg-type]


class _DropsLosers(Committer):
    """Forgets a command that lost a race."""

    def __init__(self, *parts: Any, batch_max: int, queue_max: int, **others: Any) -> None:
        super().__init__(*parts, batch_max=batch_max, queue_max=queue_max, **others)
        self._queue = _ForgetfulQueue(self._clock, batch_max=batch_max, queue_max=queue_max)


class _MarksBeforePublishing(Relay):
    """Notes commits as published, and then publishes them."""

    @override
    def committed(self, batch_id: uuid.UUID, changes: Sequence[Any]) -> None:
        super().committed(batch_id, changes)
        self._unmarked.append(batch_id)


class _NoAudit(Committer):
    """Keeps no audit of what is done to workflows that exist."""

    @override
    async def submit(self, asked: Asked) -> Answer:
        return await super().submit(replace(asked, audit=None))


class _DropsWordsFirst(DeliverMessages):
    """Forgets a word before it is heeded."""

    @override
    async def _deliver(self, mail: Mail) -> None:
        await self._inbox.drop(mail)
        await super()._deliver(mail)


class _BelievesCopies(HotStore):
    """Takes a hot copy for certain."""

    @override
    async def load(self, keys: Collection[Key], *, certain: bool = False) -> Mapping[Key, Stored]:
        return await super().load(keys)


class _NeverRecounts(MemoryQuota):
    """Leaves permits with the dead."""

    @override
    async def recount(self, dead_after_seconds: float) -> Sequence[str]:
        return []


class _SharesCache(WatchedStore):
    """Hands out whatever output has the key, whosever it is."""

    @override
    async def cached(self, tenant: str, keys: Collection[str]) -> Mapping[str, Json]:
        rows = self._tables.step_cache.items()
        return {key: orjson.loads(row.output) for (_, key), row in rows if key in keys}


class _AsksForEver(WatchedStore):
    """Never notes that people need no longer be asked."""

    @override
    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        asking = [replace(entry, effects=replace(entry.effects, ended_approvals=())) for entry in entries]
        return await super().commit(batch_id, asking)


class _NotesFiringsFirst(FiringSchedules):
    """Notes a firing as done, and then starts its workflow."""

    @override
    async def _start(self, schedule: Schedule, wanted: Start) -> Progress:
        await self._schedules.advance(schedule, started(schedule, wanted.fire_at, "", self._clock.now()))
        return await super()._start(schedule, wanted)


class _NewRequests(Starts):
    """Takes every start of a schedule for a new one."""

    @override
    async def start_all(self, starts: Sequence[Any]) -> Sequence[Any]:
        anew = [dataclasses.replace(start, request_id=f"{start.request_id}/{ids.new_uuid()}") for start in starts]
        return await super().start_all(anew if starts[0].session_id.startswith("schedule/") else starts)


class _ForgetsTheFinished(Starts):
    """Lets reruns do everything again."""

    @override
    async def start(self, start: Any) -> Started:
        return await super().start(dataclasses.replace(start, reused=()))


class _RemovesTheLiving(MemoryLeftovers):
    """Thinks that what failed or was paused is over."""

    @override
    async def remove_workflows(self, ended_before: datetime, *, limit: int) -> int:
        paused = [row.key for row in self._tables.workflows.values() if row.status is WorkflowStatus.PAUSED]
        for key in paused:
            self._remove(key)
        return len(paused) + await super().remove_workflows(ended_before, limit=limit)


class _LeavesHistories(MemoryLeftovers):
    """Removes workflows, and not what was kept of them."""

    @override
    def _remove(self, key: Key) -> None:
        history = self._tables.history[key]
        super()._remove(key)
        self._tables.history[key] = history


class _RemovesTooSoon(Retention):
    """Keeps what has ended half as long as it should."""

    def __init__(self, leftovers: Any, clock: Any, *, keep_days: float) -> None:
        super().__init__(leftovers, clock, keep_days=keep_days / 2)


REAL = Mutation()

MUTANTS: Mapping[str, Mutation] = {
    "no fence": Mutation(store=_NoFence),
    "no version": Mutation(store=_NoVersion),
    "ack before commit": Mutation(committer=_AckBeforeCommit),
    "naive outbox": Mutation(relay=_MarksBeforePublishing),
    "lost timers": Mutation(board=_LosesTimers),
    "lost agents": Mutation(board=_NeverExpires),
    "lost deliveries": Mutation(board=_NeverRedelivers),
    "dropped losers": Mutation(committer=_DropsLosers),
    "missing audit": Mutation(committer=_NoAudit),
    "lost words": Mutation(messages=_DropsWordsFirst),
    "copies believed": Mutation(hot_store=_BelievesCopies),
    "lost permits": Mutation(quota=_NeverRecounts),
    "shared cache": Mutation(store=_SharesCache),
    "questions for ever": Mutation(store=_AsksForEver),
    "firings noted first": Mutation(firing=_NotesFiringsFirst),
    "firings anew": Mutation(starts=_NewRequests),
    "reruns of everything": Mutation(starts=_ForgetsTheFinished),
    "removes the living": Mutation(leftovers=_RemovesTheLiving),
    "leaves histories": Mutation(leftovers=_LeavesHistories),
    "removes too soon": Mutation(retention=_RemovesTooSoon),
}
