"""Engines that are wrong in one way each. The invariants must catch every one of them, or they are not worth much."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from services.engine.hot_store import HotStore
from services.engine.loops.committer import Committer
from services.engine.loops.deliver_messages import DeliverMessages
from services.engine.loops.relay import Relay
from services.engine.ports.commands import Answer, Asked
from services.engine.ports.inbox import Mail
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry, Stored, Written
from services.engine.ports.task_board import DueTimer
from services.engine.storage.memory.quota import MemoryQuota
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


class _NoFence(WatchedStore):
    """Believes every result."""

    def _is_true(self, *_: object) -> bool:
        return True


class _NoVersion(WatchedStore):
    """Writes over what others wrote meanwhile: read before lock."""

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

    async def due_timers(self, limit: int) -> Sequence[DueTimer]:
        due = await super().due_timers(limit)
        for timer in due:
            del self._tables.timers[timer.key, timer.name]
        return due


class _NeverExpires(WatchedBoard):
    """Waits for lost agents for ever."""

    async def expire(self) -> Sequence[Any]:
        return []


class _NeverRedelivers(WatchedBoard):
    """Thinks that what was sent has arrived."""

    async def redeliver_unaccepted(self) -> int:
        return 0


class _AckBeforeCommit(Committer):
    """Answers as soon as it has decided."""

    async def _write(self, drafts: Sequence[Any]) -> None:
        for draft in drafts:
            for waiting, events in draft.settled:
                waiting.answer(Answer(draft.after, draft.stored.plan, events))
        await super()._write(drafts)


class _DropsLosers(Committer):
    """Forgets a command that lost a race."""

    def _requeue(self, batch: Sequence[Any]) -> None:
        for waiting in batch:
            waiting.answer(Answer(None, None))  # type: ignore[arg-type]


class _MarksBeforePublishing(Relay):
    """Notes commits as published, and then publishes them."""

    def committed(self, batch_id: uuid.UUID, changes: Sequence[Any]) -> None:
        super().committed(batch_id, changes)
        self._unmarked.append(batch_id)


class _NoAudit(Committer):
    """Keeps no audit of what is done to workflows that exist."""

    async def submit(self, asked: Asked) -> Answer:
        return await super().submit(replace(asked, audit=None))


class _DropsWordsFirst(DeliverMessages):
    """Forgets a word before it is heeded."""

    async def _deliver(self, mail: Mail) -> None:
        await self._inbox.drop(mail)
        await super()._deliver(mail)


class _BelievesCopies(HotStore):
    """Takes a hot copy for certain."""

    async def load(self, keys: Collection[Key], *, certain: bool = False) -> Mapping[Key, Stored]:
        return await super().load(keys)


class _NeverRecounts(MemoryQuota):
    """Leaves permits with the dead."""

    async def recount(self, dead_after_seconds: float) -> Sequence[str]:
        return []


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
}
