"""Writes batches of commits: the twin of the function `engine.commit_batch`.

First it is settled who wins: whose version is still the expected one, whose request_id is free, whose fences are
true. Then only the winners are written, so a loser vanishes whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from services.engine.ports.keys import Fence, Key
from services.engine.ports.store import Entry, Indigestible, Span, Verdict, Written
from services.engine.storage.codec import dump_events
from services.engine.storage.commits import next_hash
from services.engine.storage.memory.tables import (
    CommitRow,
    HistoryRow,
    ReferenceRow,
    Tables,
    TaskRow,
    TimerRow,
    WorkflowRow,
)
from services.engine.storage.state_codec import dump_workflow

_RESERVE_SECONDS = 10
_KEEP_SECONDS = 60
_COMMITS_MAX = 200


class MemoryCommits:
    """The writing half of the store."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write all entries that nobody overtook, in one transaction; return the fate of each, in order.

        Raises Indigestible when the batch has been settled as one that never happened, or when an entry names a
        file that is not kept.
        """
        if batch_id in self._tables.commits:
            raise Indigestible(f"There is a commit {batch_id} already.")
        verdicts: list[Verdict] = []
        taken: set[tuple[str, str]] = set()
        for entry in entries:
            verdict = self._verdict(entry, taken)
            verdicts.append(verdict)
            if verdict == "won":
                self._refuse_lost_files(entry)
                if entry.created is not None:
                    taken.add((entry.key.tenant, entry.created.request_id))
        bodies = [dump_events(entry.events) for entry in entries]
        heads = [_head(entry, body) for entry, body in zip(entries, bodies, strict=True)]
        spans: list[tuple[Key, int, int]] = []
        for entry, verdict, body, head in zip(entries, verdicts, bodies, heads, strict=True):
            if verdict == "won":
                self._write(entry, body, head)
                spans.append((entry.key, entry.before.last_seq + 1, len(entry.events)))
        self._tables.commits[batch_id] = CommitRow(batch_id, self._tables.clock.now(), tuple(spans))
        return [Written(verdict, head) for verdict, head in zip(verdicts, heads, strict=True)]

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Return who won in a commit whose outcome is unknown; None means that it never happened and never can."""
        found = self._tables.commits.get(batch_id)
        if found is None:
            self._tables.commits[batch_id] = CommitRow(batch_id, self._tables.clock.now(), (), published=True)
            return None
        return [key for key, _, _ in found.spans]

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Return commits that nobody published within that time, oldest first, and reserve them briefly."""
        now = self._tables.clock.now()
        before = now - timedelta(seconds=older_than_seconds)
        due = [
            row
            for row in self._tables.commits.values()
            if not row.published
            and row.committed_at <= before
            and (row.reserved_until is None or row.reserved_until < now)
        ]
        due.sort(key=lambda row: row.committed_at)
        for row in due[:_COMMITS_MAX]:
            row.reserved_until = now + timedelta(seconds=_RESERVE_SECONDS)
        return [(row.batch_id, [Span(*span) for span in row.spans]) for row in due[:_COMMITS_MAX]]

    async def mark_published(self, batch_ids: Collection[uuid.UUID]) -> None:
        """Note that the bus has these commits' events, and forget those of which it was noted long ago."""
        for batch_id in batch_ids:
            if batch_id in self._tables.commits:
                self._tables.commits[batch_id].published = True
        old = self._tables.clock.now() - timedelta(seconds=_KEEP_SECONDS)
        for row in list(self._tables.commits.values()):
            if row.published and row.committed_at < old:
                del self._tables.commits[row.batch_id]

    def _verdict(self, entry: Entry, taken: set[tuple[str, str]]) -> Verdict:
        row = self._tables.workflows.get(entry.key)
        if entry.created is not None:
            request = (entry.key.tenant, entry.created.request_id)
            is_taken = row is not None or request in taken or request in self._tables.requests
            verdict: Verdict = "exists" if is_taken else "won"
        else:
            verdict = "won" if row is not None and row.version == entry.expected_version else "lost"
        if verdict == "won" and not all(self._is_true(entry.key, fence) for fence in entry.fences):
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

    def _write(self, entry: Entry, body: bytes, head: bytes) -> None:
        key, after, effects, tables = entry.key, entry.after, entry.effects, self._tables
        state = dump_workflow(after)
        if entry.created is not None:
            tables.requests[key.tenant, entry.created.request_id] = key
            tables.workflows[key] = WorkflowRow(key, entry.created, after.status, 1, after.last_seq, head, state)
            tables.history[key] = []
        else:
            row = tables.workflows[key]
            row.status, row.version, row.last_seq = after.status, row.version + 1, after.last_seq
            row.head_hash, row.state = head, state
        tables.history[key].append(HistoryRow(entry.before.last_seq + 1, len(entry.events), head, body))
        for task_id in effects.ended_tasks:
            tables.open_tasks.pop(task_id, None)
        self._add_tasks(entry)
        self._change_timers(entry)
        for made in effects.artifacts:
            tables.references[key, made.name] = ReferenceRow(made.sha256, made.task_id, tables.clock.now())
        tables.audit.extend((key, row) for row in entry.audit)

    def _add_tasks(self, entry: Entry) -> None:
        for new in entry.effects.new_tasks:
            self._tables.open_tasks[new.task_id] = TaskRow(
                key=entry.key,
                task_id=new.task_id,
                step=new.step,
                agent_type=new.queue,
                priority=new.priority,
                attempt=new.attempt,
                timeout_seconds=new.timeout_seconds,
                queue_by=new.queue_by,
                created_at=self._tables.clock.now(),
                order=next(self._tables.order),
            )

    def _change_timers(self, entry: Entry) -> None:
        timers, effects = self._tables.timers, entry.effects
        ended = [name for key, name in timers if key == entry.key] if effects.clears_timers else effects.ended_timers
        for name in ended:
            timers.pop((entry.key, name), None)
        for timer in effects.new_timers:
            timers[entry.key, timer.key] = TimerRow(entry.key, timer.key, timer.generation, timer.due_at)


def _head(entry: Entry, body: bytes) -> bytes:
    return next_hash(entry.head_hash, entry.key, entry.before.last_seq + 1, len(entry.events), body)
