"""Writes batches of commits: the twin of the function `engine.commit_batch`.

First it is settled who wins: whose version is still the expected one, whose request_id is free, whose fences are
true. Then only the winners are written, so a loser vanishes whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from archwright.language.model import OnUnavailable
from services.engine.domain.effects import NewTask
from services.engine.domain.transitions import TaskStatus
from services.engine.domain.values import canonical
from services.engine.ports.approvals import ApprovalRow
from services.engine.ports.keys import Fence, Key
from services.engine.ports.store import Entry, Grant, Indigestible, Span, Verdict, Written
from services.engine.storage.codec import dump_events
from services.engine.storage.commits import is_snapshot_due, next_hash
from services.engine.storage.memory.dead_letters import write_letters
from services.engine.storage.memory.tables import (
    CachedRow,
    CommitRow,
    HistoryRow,
    MessageRow,
    ReferenceRow,
    Tables,
    TaskRow,
    TimerRow,
    WorkflowRow,
)
from services.engine.storage.message_codec import dump_message
from services.engine.storage.state_codec import dump_workflow

_RESERVE_SECONDS = 10
_KEEP_SECONDS = 60
KEEP_SECONDS_MAX = 24 * 60 * 60
_COMMITS_MAX = 200


class MemoryCommits:
    """The writing half of the store."""

    def __init__(self, tables: Tables, *, accept_seconds: float) -> None:
        self._tables = tables
        self._accept_seconds = accept_seconds

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write all entries that nobody overtook, in one transaction; return the fate of each, in order.

        Raises Indigestible when the batch has been settled as one that never happened, or when an entry names a
        file that is not kept.
        """
        return self._commit(batch_id, entries)

    def _commit(self, batch_id: uuid.UUID, entries: Sequence[Entry], held: Key | None = None) -> Sequence[Written]:
        if batch_id in self._tables.commits:
            raise Indigestible(f"There is a commit {batch_id} already.")
        verdicts: list[Verdict] = []
        taken: set[tuple[str, str]] = set()
        for entry in entries:
            verdict = self._verdict(entry, taken, held)
            verdicts.append(verdict)
            if verdict == "won":
                self._refuse_lost_files(entry)
                if entry.created is not None:
                    taken.add((entry.key.tenant, entry.created.request_id))
        texts = [_Text.of(entry) for entry in entries]
        spans: list[tuple[Key, int, int]] = []
        for entry, verdict, text in zip(entries, verdicts, texts, strict=True):
            if verdict == "won":
                self._write(entry, text)
                spans.append((entry.key, entry.before.last_seq + 1, len(entry.events)))
        self._tables.commits[batch_id] = CommitRow(batch_id, self._tables.clock.now(), tuple(spans))
        return [
            Written(verdict, text.head, text.snapshot_bytes, text.tail_bytes)
            for verdict, text in zip(verdicts, texts, strict=True)
        ]

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Return who won in a commit whose outcome is unknown; None means that it never happened and never can."""
        found = self._tables.commits.get(batch_id)
        if found is None:
            self._tables.commits[batch_id] = CommitRow(batch_id, self._tables.clock.now(), (), self._tables.clock.now())
            return None
        return [key for key, _, _ in found.spans]

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Return commits that nobody published within that time, oldest first, and reserve them briefly."""
        now = self._tables.clock.now()
        before = now - timedelta(seconds=older_than_seconds)
        due = [
            row
            for row in self._tables.commits.values()
            if row.published_at is None
            and row.committed_at <= before
            and (row.reserved_until is None or row.reserved_until < now)
        ]
        due.sort(key=lambda row: row.committed_at)
        for row in due[:_COMMITS_MAX]:
            row.reserved_until = now + timedelta(seconds=_RESERVE_SECONDS)
        return [(row.batch_id, [Span(*span) for span in row.spans]) for row in due[:_COMMITS_MAX]]

    async def bus_epoch(self) -> int:
        """Return how often the bus has lost something so far."""
        return self._tables.bus.epoch

    async def mark_published(self, batch_ids: Collection[uuid.UUID], epoch: int | None = None) -> None:
        """Note that the bus has these commits' events, and forget those that nobody needs any more."""
        now = self._tables.clock.now()
        for batch_id in batch_ids:
            if batch_id in self._tables.commits and epoch in {None, self._tables.bus.epoch}:
                self._tables.commits[batch_id].published_at = now
        needed = [now - timedelta(seconds=_KEEP_SECONDS), *self._tables.bus.groups.values()]
        old = max(min(needed), now - timedelta(seconds=KEEP_SECONDS_MAX))
        for row in list(self._tables.commits.values()):
            if row.published_at is not None and row.published_at < old:
                del self._tables.commits[row.batch_id]

    def _verdict(self, entry: Entry, taken: set[tuple[str, str]], held: Key | None) -> Verdict:
        row = self._tables.workflows.get(entry.key)
        if entry.created is not None:
            request = (entry.key.tenant, entry.created.request_id)
            is_taken = row is not None or request in taken or request in self._tables.requests
            verdict: Verdict = "exists" if is_taken else "won"
        else:
            is_free = entry.key == held or not self._tables.is_held(entry.key)
            verdict = "won" if row is not None and row.version == entry.expected_version and is_free else "lost"
        is_heard = all((entry.key, name) in self._tables.inbox for name in entry.received)
        if verdict == "won" and not (is_heard and all(self._is_true(entry.key, fence) for fence in entry.fences)):
            return "fenced"
        return verdict

    def _is_true(self, key: Key, fence: Fence) -> bool:
        task = self._tables.open_tasks.get(fence.task_id)
        return (
            task is not None
            and task.key.tenant == key.tenant
            and (task.attempt, task.lease_id) == (fence.attempt, fence.lease_id)
            and fence.session_id in (None, task.session_id)
        )

    def _refuse_lost_files(self, entry: Entry) -> None:
        for made in entry.effects.artifacts:
            if (entry.key.tenant, made.sha256) not in self._tables.files:
                raise Indigestible(f"No file is kept as {made.sha256}, which artifact {made.name!r} names.")

    def _write(self, entry: Entry, text: _Text) -> None:
        key, after, tables = entry.key, entry.after, self._tables
        if entry.created is not None:
            assert text.state is not None
            tables.requests[key.tenant, entry.created.request_id] = key
            tables.workflows[key] = WorkflowRow(
                key,
                entry.created,
                after.status,
                1,
                after.last_seq,
                text.head,
                text.state,
                after.last_seq,
                after.ended_at,
            )
            tables.history[key] = []
        else:
            row = tables.workflows[key]
            row.status, row.version, row.ended_at = after.status, row.version + 1, after.ended_at
            row.last_seq, row.head_hash = after.last_seq, text.head
            if text.state is not None:
                row.state, row.state_seq = text.state, after.last_seq
        row_of_history = HistoryRow(entry.before.last_seq + 1, len(entry.events), text.head, text.body)
        tables.history[key].append(row_of_history)
        self._change_tasks(entry)
        self._change_timers(entry)
        for made in entry.effects.artifacts:
            versions = tables.references.get((key, made.name), ())
            if not versions or versions[-1].sha256 != made.sha256:
                newest = ReferenceRow(made.sha256, made.task_id, tables.clock.now())
                tables.references[key, made.name] = (*versions, newest)
        self._exchange_messages(entry)
        for each in entry.effects.cached:
            expires_at = tables.until(each.ttl_seconds)
            tables.step_cache[key.tenant, each.key_sha256] = CachedRow(each.step, canonical(each.output), expires_at)
        tables.audit.extend((key, row) for row in entry.audit)
        for asked in entry.effects.approvals:
            row_of_approval = ApprovalRow(key, asked.approval_id, asked.step, asked.seq, ended=False)
            tables.approvals[key.tenant, asked.approval_id] = row_of_approval
        for approval_id in entry.effects.ended_approvals:
            tables.approvals[key.tenant, approval_id] = replace(tables.approvals[key.tenant, approval_id], ended=True)

        write_letters(tables, entry)

    def _change_tasks(self, entry: Entry) -> None:
        tasks, effects = self._tables.open_tasks, entry.effects
        if effects.holds:
            flip = (TaskStatus.PENDING, TaskStatus.HELD)
            before, after = flip if effects.holds == "hold" else flip[::-1]
            for task in tasks.values():
                if task.key == entry.key and task.status is before:
                    task.status = after
        for task_id in effects.ended_tasks:
            tasks.pop(task_id, None)
        for new in effects.new_tasks:
            tasks[new.task_id] = self._new_task(entry.key, new, entry.granted.get(new.task_id))

    def _new_task(self, key: Key, new: NewTask, grant: Grant | None) -> TaskRow:
        task = TaskRow(
            key=key,
            task_id=new.task_id,
            step=new.step,
            queue=new.queue,
            priority=new.priority,
            attempt=new.attempt,
            timeout_seconds=new.timeout_seconds,
            queue_by=new.queue_by,
            idle_seconds=new.idle_timeout_seconds,
            on_unavailable=new.on_unavailable is not OnUnavailable.WAIT,
            prefers_agent=new.prefers_agent,
            created_at=self._tables.clock.now(),
            order=next(self._tables.order),
        )
        if new.held:
            task.status = TaskStatus.HELD
        elif grant is not None:
            task.status, task.attempt = TaskStatus.ASSIGNED, new.attempt + 1
            task.lease_id, task.session_id = grant.lease_id, grant.session_id
            task.assigned_at, task.accept_by = self._tables.clock.now(), self._tables.until(self._accept_seconds)
        return task

    def _exchange_messages(self, entry: Entry) -> None:
        inbox = self._tables.inbox
        for name in entry.received:
            del inbox[entry.key, name]
        for message in entry.effects.messages:
            target = Key(entry.key.tenant, message.workflow_id)
            command, now = dump_message(message.command), self._tables.clock.now()
            row = MessageRow(target, message.key, command, now, next(self._tables.order))
            inbox.setdefault((target, message.key), row)

    def _change_timers(self, entry: Entry) -> None:
        timers, effects = self._tables.timers, entry.effects
        ended = [name for key, name in timers if key == entry.key] if effects.clears_timers else effects.ended_timers
        for name in ended:
            timers.pop((entry.key, name), None)
        for timer in effects.new_timers:
            timers[entry.key, timer.key] = TimerRow(entry.key, timer.key, timer.generation, timer.due_at)


@dataclass(frozen=True, slots=True)
class _Text:
    """What an entry writes, as text; `state` is None where the state last written still serves."""

    body: bytes
    head: bytes
    state: bytes | None
    snapshot_bytes: int
    tail_bytes: int

    @classmethod
    def of(cls, entry: Entry) -> _Text:
        """Return the text of an entry."""
        body = dump_events(entry.events)
        head = next_hash(entry.head_hash, entry.key, entry.before.last_seq + 1, len(entry.events), body)
        tail_bytes = entry.tail_bytes + len(body)
        is_new = entry.created is not None
        if is_new or entry.after.status.is_final or is_snapshot_due(entry.snapshot_bytes, tail_bytes):
            state = dump_workflow(entry.after)
            return cls(body, head, state, len(state), 0)
        return cls(body, head, None, entry.snapshot_bytes, tail_bytes)
