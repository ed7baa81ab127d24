"""Group commit: takes every command that waits, decides them all, and writes one transaction.

Whatever gathers while a commit is under way goes into the next one, so throughput grows with load and a lone
command waits for nobody. A workflow is in one commit at a time. One whose row moved meanwhile drops out alone,
is loaded afresh and decided again; it never delays the others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from archwright import ids
from archwright.errors import ArchwrightError, DependencyUnavailable, InternalFault, LimitReached, WorkflowNotFound
from services.chassis.clock import Clock
from services.engine.domain.commands import Repeated, Stale
from services.engine.domain.decide import decide
from services.engine.domain.effects import effects
from services.engine.domain.events import Event
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow
from services.engine.memory import Memory
from services.engine.ports.commands import Answer, Asked, Change, Listener, RequestTaken
from services.engine.ports.keys import AuditRow, Fence, Key
from services.engine.ports.store import Entry, Indigestible, NewWorkflow, Store, Stored, UnknownOutcome, Written

log = structlog.get_logger(__name__)

_PAUSE_SECONDS_MAX = 5.0
_SUBMIT_SECONDS_MAX = 30.0
_QUIET_SECONDS = 20.0


@dataclass(slots=True, eq=False)
class _Waiting:
    """A command, and who waits for its answer."""

    asked: Asked
    answer: asyncio.Future[Answer]
    alone: bool = False
    """Whether it must not share its workflow's commit, because one of several fences was untrue."""


@dataclass(slots=True)
class _Draft:
    """What one commit is to write about one workflow, and the commands behind it."""

    stored: Stored
    after: Workflow
    known: Known
    events: list[Event]
    settled: list[tuple[_Waiting, tuple[Event, ...]]]
    fences: list[Fence]
    audit: list[AuditRow]
    created: NewWorkflow | None = None


class Committer:
    """Takes commands and commits what they make true."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        listeners: Sequence[Listener],
        clock: Clock,
        *,
        batch_max: int,
        queue_max: int,
    ) -> None:
        self._store = store
        self._memory = memory
        self._listeners = listeners
        self._clock = clock
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()

    async def submit(self, asked: Asked) -> Answer:
        """Return once the command is durable.

        Raises TransitionIllegal, WorkflowNotFound, Stale, RequestTaken, or LimitReached when too many wait.
        """
        if len(self._queue) >= self._queue_max:
            raise LimitReached(
                f"{self._queue_max} commands wait for the database. Try again in a second.", retry_after_seconds=1
            )
        waiting = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        try:
            async with asyncio.timeout(_SUBMIT_SECONDS_MAX):
                return await waiting.answer
        except TimeoutError:
            # The command may still be committed: the caller's request_id or fence makes asking again safe.
            raise DependencyUnavailable(
                f"The database did not take the command within {_SUBMIT_SECONDS_MAX:.0f} s. Ask again.",
                retry_after_seconds=1,
            ) from None

    async def step(self) -> None:
        """Commit one batch, once there is one; return without one after a quiet while."""
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_max))]
        if not self._queue:
            self._arrived.clear()
        batch = [waiting for waiting in batch if not waiting.answer.done()]
        if not batch:
            return
        try:
            await self._commit(batch)
        except BaseException:
            # Whoever waits keeps waiting: the commands go back to the head of the queue.
            self._requeue(batch)
            raise

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        drafts = await self._decide(batch)
        if drafts:
            await self._write(drafts)

    async def _decide(self, batch: Sequence[_Waiting]) -> list[_Draft]:
        """Decide every command on top of those before it; answer at once what is refused."""
        current = await self._current({waiting.asked.key for waiting in batch if waiting.asked.created is None})
        drafts: dict[Key, _Draft] = {}
        for waiting in batch:
            asked = waiting.asked
            draft = drafts.get(asked.key) or _begin(asked, current.get(asked.key))
            if draft is None:
                waiting.answer.set_exception(WorkflowNotFound.named(asked.key.workflow_id))
            elif draft.settled and (waiting.alone or draft.settled[0][0].alone):
                self._requeue([waiting])
            elif _add(draft, waiting):
                drafts[asked.key] = draft
        return list(drafts.values())

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
        entries = [_entry(draft) for draft in drafts]
        try:
            written = await self._store.commit(batch_id, entries)
        except UnknownOutcome as error:
            log.warning("commit_outcome_unknown", batch_id=str(batch_id), error=str(error))
            written = await self._settle(batch_id, entries)
        except Indigestible as error:
            if len(drafts) > 1:
                half = len(drafts) // 2
                await self._write(drafts[:half])
                await self._write(drafts[half:])
                return
            self._give_up(drafts[0], error)
            return
        self._conclude(batch_id, drafts, entries, written)

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
        for draft, entry, fate in zip(drafts, entries, written, strict=True):
            match fate.verdict:
                case "won":
                    changes.append(self._win(draft, entry, fate))
                case "exists":
                    self._memory.forget([entry.key])
                    for waiting, _ in draft.settled:
                        waiting.answer.set_exception(RequestTaken())
                case "lost":
                    self._memory.forget([entry.key])
                    self._requeue([waiting for waiting, _ in draft.settled])
                case "fenced":
                    self._memory.forget([entry.key])
                    self._fenced(draft)
        for listener in self._listeners:
            listener.committed(batch_id, changes)
        for draft, fate in zip(drafts, written, strict=True):
            if fate.verdict == "won":
                for waiting, events in draft.settled:
                    if not waiting.answer.done():
                        waiting.answer.set_result(Answer(draft.after, draft.stored.plan, events))

    def _win(self, draft: _Draft, entry: Entry, fate: Written) -> Change:
        if fate.head_hash:
            version = entry.expected_version + 1
            self._memory.keep(Stored(entry.key, draft.stored.plan, draft.after, version, fate.head_hash, draft.known))
        return Change(
            key=entry.key,
            first_seq=entry.before.last_seq + 1,
            events=entry.events,
            workflow=draft.after,
            plan=draft.stored.plan,
            agent_types=frozenset(task.queue for task in entry.effects.new_tasks),
            ended_tasks=entry.effects.ended_tasks,
        )

    def _fenced(self, draft: _Draft) -> None:
        """Refuse the command whose fence was untrue. With several it is not known whose: try each alone."""
        fenced = [waiting for waiting, _ in draft.settled if waiting.asked.fence is not None]
        if len(fenced) == 1:
            fenced[0].answer.set_exception(Stale("the task is leased to another attempt, or has ended"))
        for waiting in fenced:
            waiting.alone = True
        self._requeue([waiting for waiting, _ in draft.settled if not waiting.answer.done()])

    def _give_up(self, draft: _Draft, error: Indigestible) -> None:
        log.error("commit_refused", workflow_id=draft.stored.key.workflow_id, error=str(error))
        self._memory.forget([draft.stored.key])
        for waiting, _ in draft.settled:
            waiting.answer.set_exception(InternalFault("The database cannot hold what this command makes true."))

    def _requeue(self, batch: Sequence[_Waiting]) -> None:
        self._queue.extendleft(reversed([waiting for waiting in batch if not waiting.answer.done()]))
        if self._queue:
            self._arrived.set()


def _begin(asked: Asked, stored: Stored | None) -> _Draft | None:
    """Return an empty draft on top of the last commit; None when there is no such workflow."""
    if asked.created is not None and asked.plan is not None:
        new = Workflow(asked.key.workflow_id)
        stored = Stored(asked.key, asked.plan, new, 0, b"", Known())
    if stored is None:
        return None
    return _Draft(stored, stored.workflow, stored.known, [], [], [], [], asked.created)


def _add(draft: _Draft, waiting: _Waiting) -> bool:
    """Decide a command on top of the draft; return whether it came to anything."""
    asked = waiting.asked
    try:
        decided = decide(draft.stored.plan, draft.after, asked.command, draft.known)
    except (Stale, Repeated, ArchwrightError) as refusal:
        waiting.answer.set_exception(refusal)
        return False
    except Exception:  # one command that nobody foresaw must not cost the others their commit
        log.exception("command_failed", workflow_id=asked.key.workflow_id, command=type(asked.command).__name__)
        waiting.answer.set_exception(InternalFault("The engine could not decide this command; its log says why."))
        return False
    draft.after = decided.workflow
    draft.events.extend(decided.events)
    draft.settled.append((waiting, decided.events))
    draft.known = decided.known
    if asked.fence is not None:
        draft.fences.append(asked.fence)
    if asked.audit is not None:
        draft.audit.append(asked.audit)
    return True


def _entry(draft: _Draft) -> Entry:
    stored = draft.stored
    events = tuple(draft.events)
    return Entry(
        key=stored.key,
        expected_version=stored.version,
        before=stored.workflow,
        after=draft.after,
        events=events,
        effects=effects(stored.plan, stored.workflow, draft.after, events),
        head_hash=stored.head_hash,
        created=draft.created,
        fences=tuple(draft.fences),
        audit=tuple(draft.audit),
    )
