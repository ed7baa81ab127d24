"""Group commit: takes every command that waits, decides them all, and writes one transaction.

Whatever gathers while a commit is under way goes into the next one, so throughput grows with load and a lone
command waits for nobody. While one batch is being written the next may be decided: `step` may be awaited as often at
once as the queue hands out batches.

A workflow whose row moved meanwhile drops out alone, is loaded afresh and decided again; it never delays the others.
One that drops out again and again is handled by itself, with its row held.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from archwright import ids
from archwright.errors import ArchwrightError, DependencyUnavailable, InternalFault, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.domain.commands import Repeated, Stale
from services.engine.domain.decide import decide
from services.engine.domain.effects import effects
from services.engine.domain.events import Event
from services.engine.domain.invariants import Invariant
from services.engine.domain.values import Known, Unread
from services.engine.domain.workflow import Workflow
from services.engine.loops.command_queue import BATCHES_AT_ONCE, CommandQueue, Waiting
from services.engine.memory import Memory
from services.engine.ports.commands import Answer, Asked, Change, Granter, Listener, Reply, RequestTaken
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.measures import Measures, Unmeasured
from services.engine.ports.store import Entry, Grant, Indigestible, NewWorkflow, Store, Stored, UnknownOutcome, Written

log = structlog.get_logger(__name__)

_PAUSE_SECONDS_MAX = 5.0
COMMITS_AT_ONCE = BATCHES_AT_ONCE
"""How many steps are to be awaited at once."""
_BREATH = 32
"""After so many commands others get their turn: a start needs the event loop several times over."""
_LOSSES_MAX = 2
"""After so many lost races a workflow is handled alone: a wide join would otherwise lose for ever."""


@dataclass(slots=True)
class _Draft:
    """What one commit is to write about one workflow, and the commands behind it."""

    stored: Stored
    after: Workflow
    known: Known
    events: list[Event]
    inputs: dict[str, bytes]
    settled: list[tuple[Waiting, tuple[Event, ...]]]
    fences: list[Fence]
    audit: list[AuditRow]
    received: list[str]
    created: NewWorkflow | None = None
    refused: list[tuple[Waiting, Exception]] = field(default_factory=list)
    """Commands that were refused because of what this commit is to make true."""


class Committer:
    """Takes commands and commits what they make true."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        listeners: Sequence[Listener],
        granter: Granter,
        clock: Clock,
        *,
        batch_max: int,
        queue_max: int,
        measures: Measures | None = None,
    ) -> None:
        self._store = store
        self._memory = memory
        self._listeners = listeners
        self._granter = granter
        self._clock = clock
        self._measures = measures or Unmeasured()
        self._queue = CommandQueue(clock, batch_max=batch_max, queue_max=queue_max)

    async def submit(self, asked: Asked) -> Answer:
        """Return once the command is durable.

        Raises TransitionIllegal, WorkflowNotFound, Stale, Repeated, RequestTaken, or LimitReached when too many wait.
        """
        return await self._queue.submit(asked)

    def post(self, asked: Sequence[Asked], reply: Reply, *, for_people: bool = False) -> None:
        """Take commands that came together, and reply to each once it is durable or refused; see `CommandQueue`."""
        self._queue.post(asked, reply, for_people=for_people)

    async def step(self) -> None:
        """Commit one batch, once there is one; return without one after a quiet while."""
        batch = await self._queue.take()
        if not batch:
            return
        try:
            await self._commit(batch)
        except BaseException:
            # Whoever waits keeps waiting: the commands go back to the head of the queue.
            self._queue.put_back(batch)
            raise
        finally:
            self._queue.finished(batch)

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        losing = {waiting.asked.key for waiting in batch if waiting.lost >= _LOSSES_MAX}
        together = [waiting for waiting in batch if waiting.asked.key not in losing]
        current = await self._current({waiting.asked.key for waiting in together if waiting.asked.created is None})
        if drafts := await self._decide(together, current):
            await self._write(drafts)
        for key in losing:
            await self._commit_alone(key, [waiting for waiting in batch if waiting.asked.key == key])

    async def _decide(self, batch: Sequence[Waiting], current: Mapping[Key, Stored]) -> list[_Draft]:
        """Decide every command on top of those before it. A refusal counts once what it rests on is sure."""
        drafts: dict[Key, _Draft] = {}
        doubtful: list[tuple[Waiting, Exception]] = []
        for place, waiting in enumerate(batch, start=1):
            if place % _BREATH == 0:
                await asyncio.sleep(0)  # noqa: TID251  gives way without waiting
            asked = waiting.asked
            draft = drafts.get(asked.key) or _begin(asked, current.get(asked.key))
            if draft is None:
                waiting.answer(WorkflowNotFound.named(asked.key.workflow_id))
            elif draft.settled and (waiting.alone or draft.settled[0][0].alone):
                self._queue.put_back([waiting])
            elif (refusal := await self._add(draft, waiting)) is None:
                drafts[asked.key] = draft
            elif draft.settled:
                draft.refused.append((waiting, refusal))
            else:
                doubtful.append((waiting, refusal))
        if doubtful:
            await self._reconsider(doubtful, current, drafts)
        return list(drafts.values())

    async def _reconsider(
        self,
        doubtful: Sequence[tuple[Waiting, Exception]],
        current: Mapping[Key, Stored],
        drafts: dict[Key, _Draft],
    ) -> None:
        """Decide again what was refused, where another replica has moved the workflow on meanwhile.

        Memory and copies may be behind: what they allow the commit finds out, what they refuse nobody would.
        """
        existing = {waiting.asked.key for waiting, _ in doubtful if waiting.asked.created is None}
        fresh = await self._store.load(existing, certain=True) if existing else {}
        for waiting, refusal in doubtful:
            key = waiting.asked.key
            if key not in fresh or fresh[key].version == current[key].version:
                waiting.answer(refusal)
                continue
            self._memory.keep(fresh[key])
            if key in drafts:
                self._queue.put_back([waiting])  # that one is behind too, and will lose
                continue
            draft = _begin(waiting.asked, fresh[key])
            assert draft is not None
            again = await self._add(draft, waiting)
            if again is None:
                drafts[key] = draft
            else:
                waiting.answer(again)

    async def _add(self, draft: _Draft, waiting: Waiting) -> Exception | None:
        """Decide a command on top of the draft; return why it came to nothing, if it did."""
        asked, known = waiting.asked, draft.known
        try:
            while True:
                try:
                    decided = decide(draft.stored.plan, draft.after, asked.command, known)
                    break
                except Unread as unread:
                    found = await self._store.cached(asked.key.tenant, unread.cache_keys)
                    read = {key: (found[key],) if key in found else () for key in unread.cache_keys}
                    known = known.having_read(read)
        except (Stale, Repeated, ArchwrightError) as refusal:
            return refusal
        except Exception as error:  # one command that nobody foresaw must not cost the others their commit
            if isinstance(error, AssertionError):
                self._measures.violated(Invariant.ASSERTION, asked.key.workflow_id)
            log.exception("command_failed", workflow_id=asked.key.workflow_id, command=type(asked.command).__name__)
            return InternalFault("The engine could not decide this command; its log says why.")
        draft.after = decided.workflow
        draft.events.extend(decided.events)
        draft.inputs.update(decided.inputs)
        draft.settled.append((waiting, decided.events))
        draft.known = decided.known
        if asked.fence is not None:
            draft.fences.append(asked.fence)
        if asked.audit is not None:
            draft.audit.append(asked.audit)
        if asked.message_key:
            draft.received.append(asked.message_key)
        return None

    async def _current(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        found: dict[Key, Stored] = {}
        missing: list[Key] = []
        for key in keys:
            stored = self._memory.get(key)
            if stored is None:
                missing.append(key)
            else:
                found[key] = stored
        for key, stored in (await self._store.load(missing)).items():
            self._memory.keep(stored)
            found[key] = stored
        return found

    async def _write(self, drafts: Sequence[_Draft]) -> None:
        """Write one transaction; if the database cannot take the data of an entry, find it and write the others."""
        batch_id = ids.new_uuid()
        # Without giving way: room is reserved here, and whoever cancelled it in between would lose that.
        entries = [self._entry(draft) for draft in drafts]
        await self._see_through(batch_id, drafts, entries, self._store.commit(batch_id, entries))

    async def _commit_alone(self, key: Key, batch: Sequence[Waiting]) -> None:
        """Handle a workflow that others keep overtaking: all that waits for it in one commit, with its row held."""
        batch_id, drafts, entries = ids.new_uuid(), list[_Draft](), list[Entry]()

        async def compose(stored: Stored | None) -> Entry | None:
            drafts.extend(await self._decide(batch, {} if stored is None else {key: stored}))
            entries.extend(self._entry(draft) for draft in drafts)
            return entries[0] if entries else None

        async def write() -> Sequence[Written]:
            written = await self._store.commit_alone(batch_id, key, compose)
            return [] if written is None else [written]

        await self._see_through(batch_id, drafts, entries, write())
        if not drafts:
            # The database may have gone before anything was decided, and nobody was told anything.
            self._queue.put_back(batch)

    async def _see_through(
        self,
        batch_id: uuid.UUID,
        drafts: Sequence[_Draft],
        entries: Sequence[Entry],
        writing: Awaitable[Sequence[Written]],
    ) -> None:
        """Await a write, and see to it that everybody is told what came of it, whatever that is."""
        try:
            written = await writing
        except UnknownOutcome as error:
            log.warning("commit_outcome_unknown", batch_id=str(batch_id), error=str(error))
            # Nobody was told of these deliveries: the sweep of unaccepted ones gives them to somebody.
            self._release(entries)
            written = await self._settle(batch_id, entries)
            entries = [replace(entry, granted={}) for entry in entries]
        except Indigestible as error:
            self._release(entries)
            if len(drafts) > 1:
                half = len(drafts) // 2
                await self._write(drafts[:half])
                await self._write(drafts[half:])
                return
            self._give_up(drafts[0], error)
            return
        except BaseException:
            self._release(entries)
            raise
        self._conclude(batch_id, drafts, entries, written)

    def _release(self, entries: Sequence[Entry]) -> None:
        self._granter.release([entry.granted for entry in entries if entry.granted])

    def _entry(self, draft: _Draft) -> Entry:
        stored, events = draft.stored, tuple(draft.events)
        changes = effects(stored.plan, stored.workflow, draft.after, events)
        granted: dict[str, Grant] = {}
        for task in changes.new_tasks:
            grant = None if task.held else self._granter.grant(stored.key, stored.plan, task)
            if grant is not None:
                granted[task.task_id] = grant
        return Entry(
            key=stored.key,
            expected_version=stored.version,
            before=stored.workflow,
            after=draft.after,
            events=events,
            effects=changes,
            head_hash=stored.head_hash,
            created=draft.created,
            fences=tuple(draft.fences),
            audit=tuple(draft.audit),
            granted=granted,
            received=tuple(draft.received),
            snapshot_bytes=stored.snapshot_bytes,
            tail_bytes=stored.tail_bytes,
        )

    async def _settle(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Find out what became of a commit whose answer was lost, for as long as it takes."""
        self._memory.forget([entry.key for entry in entries])
        pause = 0.1
        while True:
            try:
                winners = await self._store.settle(batch_id)
            except DependencyUnavailable as error:
                log.warning("commit_not_settled_yet", batch_id=str(batch_id), error=str(error))
                await self._clock.sleep(pause)
                pause = min(pause * 2, _PAUSE_SECONDS_MAX)
                continue
            won = set(winners or ())
            return [Written("won" if entry.key in won else "lost") for entry in entries]

    def _conclude(
        self, batch_id: uuid.UUID, drafts: Sequence[_Draft], entries: Sequence[Entry], written: Sequence[Written]
    ) -> None:
        """Answer everybody, and tell the listeners what the winners changed."""
        changes: list[Change] = []
        made: list[tuple[Stored, Entry, Mapping[str, bytes]]] = []
        for draft, entry, fate in zip(drafts, entries, written, strict=True):
            if fate.verdict == "won":
                stored = self._win(draft, entry, fate)
                changes.append(_change(entry, stored))
                made.append((stored, entry, draft.inputs))
                continue
            self._memory.forget([entry.key])
            self._granter.release([entry.granted])
            self._queue.put_back([waiting for waiting, _ in draft.refused])
            match fate.verdict:
                case "exists":
                    for waiting, _ in draft.settled:
                        waiting.answer(RequestTaken())
                case "lost":
                    for waiting, _ in draft.settled:
                        waiting.lost += 1
                    self._queue.put_back([waiting for waiting, _ in draft.settled])
                case "fenced":
                    self._fenced(draft)
        for listener in self._listeners:
            listener.committed(batch_id, changes)
        # After the listeners: a task that is to be repaired has ended as one delivery, and begins as the next.
        for stored, entry, inputs in made:
            self._granter.send(stored, entry, inputs)
        for draft, fate in zip(drafts, written, strict=True):
            if fate.verdict == "won":
                for waiting, events in draft.settled:
                    waiting.answer(Answer(draft.after, draft.stored.plan, events))
                for waiting, refusal in draft.refused:
                    waiting.answer(refusal)

    def _win(self, draft: _Draft, entry: Entry, fate: Written) -> Stored:
        stored = Stored(
            entry.key,
            draft.stored.plan,
            draft.after,
            entry.expected_version + 1,
            fate.head_hash,
            draft.known,
            fate.snapshot_bytes,
            fate.tail_bytes,
        )
        if fate.head_hash:  # otherwise only its success is known
            self._memory.keep(stored)
        return stored

    def _fenced(self, draft: _Draft) -> None:
        """Refuse the command whose fence was untrue. With several it is not known whose: try each alone."""
        fenced = [
            waiting for waiting, _ in draft.settled if waiting.asked.fence is not None or waiting.asked.message_key
        ]
        if len(fenced) == 1:
            fenced[0].answer(Stale("the task is leased to another attempt, or has ended"))
        for waiting in fenced:
            waiting.alone = True
        self._queue.put_back([waiting for waiting, _ in draft.settled])

    def _give_up(self, draft: _Draft, error: Indigestible) -> None:
        log.error("commit_refused", workflow_id=draft.stored.key.workflow_id, error=str(error))
        self._measures.violated(Invariant.STORABLE, draft.stored.key.workflow_id)
        self._memory.forget([draft.stored.key])
        for waiting, _ in draft.settled:
            waiting.answer(InternalFault("The database cannot hold what this command makes true."))
        self._queue.put_back([waiting for waiting, _ in draft.refused])


def _change(entry: Entry, stored: Stored) -> Change:
    return Change(
        key=entry.key,
        first_seq=entry.before.last_seq + 1,
        events=entry.events,
        before=entry.before,
        workflow=stored.workflow,
        plan=stored.plan,
        queues=frozenset(
            task.queue for task in entry.effects.new_tasks if task.task_id not in entry.granted and not task.held
        ),
        ended_tasks=entry.effects.ended_tasks,
        sends=bool(entry.effects.messages),
    )


def _begin(asked: Asked, stored: Stored | None) -> _Draft | None:
    """Return an empty draft on top of the last commit; None when there is no such workflow."""
    if asked.created is not None and asked.plan is not None:
        new = Workflow(asked.key.workflow_id)
        stored = Stored(asked.key, asked.plan, new, 0, b"", Known())
    if stored is None:
        return None
    return _Draft(stored, stored.workflow, stored.known, [], {}, [], [], [], [], asked.created)
