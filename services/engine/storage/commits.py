"""Writes batches of commits, and settles those whose outcome is unknown."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import asyncpg

from archwright import ids
from archwright.language.model import OnUnavailable
from services.engine.domain.values import canonical
from services.engine.domain.workflow import OpenTask
from services.engine.ports.keys import Key
from services.engine.ports.store import Compose, Entry, Indigestible, Span, UnknownOutcome, Verdict, Written
from services.engine.storage.approvals import touches_approvals, write_approvals
from services.engine.storage.codec import PRIORITY_NUMBER, STATUS_NUMBER, dump_events
from services.engine.storage.database import Database
from services.engine.storage.dead_letters import touches_letters, write_letters
from services.engine.storage.message_codec import dump_message
from services.engine.storage.state_codec import dump_workflow
from services.engine.storage.workflows import load_on

_VERDICTS: Sequence[Verdict] = get_args(Verdict)  # in the order of their numbers in SQL, from 1
_RESERVE_SECONDS = 10
_KEEP_SECONDS = 60  # long enough that whoever lost the answer to a commit has settled it
_KEEP_HOURS_MAX = 24  # for groups of the bus that do not come on

_COMMIT = f"SELECT engine.commit_batch({', '.join(f'${n}' for n in range(1, 55))})"

_HOLD = "SELECT 1 FROM engine.workflows WHERE tenant_id = $1 AND workflow_id = $2 FOR NO KEY UPDATE"

_SETTLE = """
INSERT INTO engine.commits (batch_id, replica_id, published, published_at, tenant_ids, workflow_ids, first_seqs, counts)
VALUES ($1, $2, true, now(), '{}', '{}', '{}', '{}') ON CONFLICT DO NOTHING RETURNING batch_id
"""

_DUE = """
WITH due AS MATERIALIZED (
  SELECT batch_id FROM engine.commits
   WHERE NOT published AND committed_at < now() - make_interval(secs => $1)
     AND (reserved_until IS NULL OR reserved_until < now())
   ORDER BY committed_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
UPDATE engine.commits AS c SET reserved_until = now() + make_interval(secs => $2)
  FROM due WHERE c.batch_id = due.batch_id
RETURNING c.batch_id, c.committed_at, c.tenant_ids, c.workflow_ids, c.first_seqs, c.counts
"""

# The row is held, so that whoever notes a loss waits for this, and then sees it.
_MARK = """
WITH bus AS MATERIALIZED (SELECT epoch FROM engine.bus FOR SHARE)
UPDATE engine.commits SET published = true, published_at = now()
 WHERE batch_id = ANY($1::uuid[]) AND ($2::bigint IS NULL OR coalesce((SELECT epoch FROM bus), 0) = $2)
"""

# What some group of the bus has not settled is kept, as the bus may forget it.
_FORGET = """
DELETE FROM engine.commits
 WHERE published AND published_at < greatest(
   least(now() - make_interval(secs => $1), (SELECT min(settled_until) FROM engine.bus_groups)),
   now() - make_interval(hours => $2))
"""


class Commits:
    """The writing half of the store."""

    def __init__(self, database: Database, replica_id: uuid.UUID, *, accept_seconds: float) -> None:
        self._database = database
        self._replica_id = replica_id
        self._accept_seconds = accept_seconds

    async def commit(self, batch_id: uuid.UUID, entries: Sequence[Entry]) -> Sequence[Written]:
        """Write all entries that nobody overtook, in one transaction; return the fate of each, in order.

        Raises UnknownOutcome when the connection broke before the answer, and Indigestible when the
        database refuses the data of one of them.
        """
        async with self._database.committing() as connection:
            with _doubts():
                if not _touches_people(entries):
                    return await self._write(connection, batch_id, entries)
                async with connection.transaction():
                    return await self._write(connection, batch_id, entries)

    async def commit_alone(self, batch_id: uuid.UUID, key: Key, compose: Compose) -> Written | None:
        """Hold a workflow, so that nobody can overtake, and write what `compose` makes of it; return its fate.

        It waits for whoever is writing to the workflow, and whoever comes meanwhile loses. Raises what `commit` does.
        """
        async with self._database.engine() as connection:
            with _doubts():
                async with connection.transaction():
                    await connection.execute("SELECT set_config('app.tenants', $1, true)", key.tenant)
                    await connection.execute(_HOLD, key.tenant, ids.read("wf", key.workflow_id))
                    entry = await compose((await load_on(connection, [key])).get(key))
                    if entry is None:
                        return None
                    [written] = await self._write(connection, batch_id, [entry])
                    return written

    async def _write(
        self, connection: asyncpg.Connection[Any], batch_id: uuid.UUID, entries: Sequence[Entry]
    ) -> Sequence[Written]:
        columns = _Columns(entries)
        arguments = (batch_id, self._replica_id, columns.tenants, self._accept_seconds, *columns.arrays())
        verdicts = await connection.fetchval(_COMMIT, *arguments)
        if _touches_people(entries):
            won = [entry for entry, verdict in zip(entries, verdicts, strict=True) if verdict == 1]
            await write_approvals(connection, won)
            await write_letters(connection, won)
        return [
            Written(_VERDICTS[verdict - 1], *sizes) for verdict, sizes in zip(verdicts, columns.written, strict=True)
        ]

    async def settle(self, batch_id: uuid.UUID) -> Collection[Key] | None:
        """Return who won in a commit whose outcome is unknown; None means that it never happened and never can."""
        async with self._database.loops() as connection:
            # Waits for the commit if it is still under way, since both insert the same key.
            if await connection.fetchval(_SETTLE, batch_id, self._replica_id) is not None:
                return None
            row = await connection.fetchrow(
                "SELECT tenant_ids, workflow_ids FROM engine.commits WHERE batch_id = $1", batch_id
            )
        return [] if row is None else list(_keys(row["tenant_ids"], row["workflow_ids"]))

    async def publish_due(self, older_than_seconds: float) -> Sequence[tuple[uuid.UUID, Sequence[Span]]]:
        """Return commits that nobody published within that time, oldest first, and reserve them briefly."""
        async with self._database.loops() as connection:
            rows = await connection.fetch(_DUE, older_than_seconds, _RESERVE_SECONDS)
        rows.sort(key=lambda row: row["committed_at"])
        return [
            (
                row["batch_id"],
                [
                    Span(key, first_seq, count)
                    for key, first_seq, count in zip(
                        _keys(row["tenant_ids"], row["workflow_ids"]), row["first_seqs"], row["counts"], strict=True
                    )
                ],
            )
            for row in rows
        ]

    async def bus_epoch(self) -> int:
        """Return how often the bus has lost something so far."""
        async with self._database.loops() as connection:
            return await connection.fetchval("SELECT epoch FROM engine.bus") or 0

    async def mark_published(self, batch_ids: Collection[uuid.UUID], epoch: int | None = None) -> None:
        """Note that the bus has these commits' events, and forget those that nobody needs any more."""
        async with self._database.loops() as connection:
            await connection.execute(_MARK, list(batch_ids), epoch)
            await connection.execute(_FORGET, _KEEP_SECONDS, _KEEP_HOURS_MAX)


def _touches_people(entries: Sequence[Entry]) -> bool:
    """Return whether a commit of these entries changes what waits for people; hardly any does."""
    return touches_approvals(entries) or touches_letters(entries)


@contextmanager
def _doubts() -> Iterator[None]:
    """Tell what a failed write means: that nobody knows, or that its data is to blame."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise UnknownOutcome(str(error)) from error
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        raise Indigestible(str(error)) from error


class _Columns:
    """The entries of a batch as the arrays of `engine.commit_batch`."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.tenants = ",".join(sorted({entry.key.tenant for entry in entries}))
        self.written: list[tuple[bytes, int, int]] = []
        """For each entry the hash that its history ends in, and the sizes of its snapshot and its tail."""
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _GROUPS}
        for ord_, entry in enumerate(entries, start=1):
            self._add(ord_, entry)
        # Rows are locked in one order by everybody, so that no two batches wait for each other.
        for name in ("fences", "ended"):
            self._rows[name].sort(key=_task_of)

    def arrays(self) -> Iterable[list[Any] | None]:
        """Return the arrays in the order of the function's parameters."""
        moves = self._rows["moves"]
        yield [tenant for tenant, *_ in moves]
        yield [workflow for _, workflow, *_ in moves]
        for name, width in _GROUPS.items():
            rows = self._rows[name]
            if width == _AS_ROWS:
                yield rows or None
            else:
                yield from map(list, zip(*rows, strict=True)) if rows else [None] * width

    def _add(self, ord_: int, entry: Entry) -> None:
        tenant, workflow = entry.key.tenant, ids.read("wf", entry.key.workflow_id)
        rows = self._rows
        self._add_workflow(tenant, workflow, entry)
        self._add_effects(ord_, entry)
        if entry.created is not None:
            new = entry.created
            rows["new"].append(
                (
                    *(ord_, new.request_id, new.request_hash, new.definition_name, new.definition_version),
                    *(new.definition_hash, new.user_id, new.session_id),
                )
            )
        for fence in entry.fences:
            task = ids.read("task", fence.task_id)
            rows["fences"].append((ord_, task, fence.attempt, fence.lease_id, fence.session_id))
        rows["received"].extend((ord_, key) for key in entry.received)
        rows["audit"].extend(
            (
                *(ord_, row.event_id, row.at, row.user_id, row.action, row.resource),
                *(row.result, row.ip_address, row.user_agent),
            )
            for row in entry.audit
        )

    def _add_workflow(self, tenant: str, workflow: uuid.UUID, entry: Entry) -> None:
        after = entry.after
        body = dump_events(entry.events)
        first_seq, count = entry.before.last_seq + 1, len(entry.events)
        head = next_hash(entry.head_hash, entry.key, first_seq, count, body)
        snapshot_bytes, tail_bytes = entry.snapshot_bytes, entry.tail_bytes + len(body)
        state: bytes | None = None
        if after.status.is_final or entry.expected_version == 0 or is_snapshot_due(snapshot_bytes, tail_bytes):
            state = dump_workflow(after)
            snapshot_bytes, tail_bytes = len(state), 0
        self.written.append((head, snapshot_bytes, tail_bytes))
        self._rows["moves"].append(
            (
                *(tenant, workflow, entry.expected_version, STATUS_NUMBER[after.status], after.last_seq, state, head),
                *(after.ended_at, first_seq, count, body),
            )
        )

    def _add_effects(self, ord_: int, entry: Entry) -> None:
        rows, effects = self._rows, entry.effects
        for task_id in effects.ended_tasks:
            rows["ended"].append((ord_, ids.read("task", task_id)))
        for made in effects.new_tasks:
            grant = entry.granted.get(made.task_id)
            status = _HELD if made.held else _PENDING if grant is None else _ASSIGNED
            rows["tasks"].append(
                (
                    *(ord_, ids.read("task", made.task_id), made.step, made.queue),
                    *(PRIORITY_NUMBER[made.priority], status, made.attempt + (grant is not None)),
                    *((None, None) if grant is None else (grant.lease_id, grant.session_id)),
                    *(made.timeout_seconds, made.queue_by, made.idle_timeout_seconds),
                    *(made.on_unavailable is not OnUnavailable.WAIT, made.prefers_agent or None),
                )
            )
        if effects.holds:
            flip = (_PENDING, _HELD) if effects.holds == "hold" else (_HELD, _PENDING)
            waiting = [step.task_id for step in entry.after.open.values() if isinstance(step, OpenTask)]
            rows["holds"].extend((ord_, ids.read("task", task_id), *flip) for task_id in waiting)
        if effects.clears_timers:
            rows["cleared"].append((ord_,))
        rows["ended_timers"].extend((ord_, name) for name in effects.ended_timers)
        rows["timers"].extend((ord_, timer.key, timer.generation, timer.due_at) for timer in effects.new_timers)
        rows["artifacts"].extend(
            (ord_, made.name, bytes.fromhex(made.sha256), ids.read("task", made.task_id)) for made in effects.artifacts
        )
        rows["messages"].extend(
            (ord_, ids.read("wf", message.workflow_id), message.key, dump_message(message.command))
            for message in effects.messages
        )
        rows["cached"].extend(
            (ord_, bytes.fromhex(made.key_sha256), made.step, canonical(made.output), made.ttl_seconds)
            for made in effects.cached
        )


_PENDING, _ASSIGNED, _HELD = 1, 2, 4

_AS_ROWS = 0

_GROUPS: Mapping[str, int] = {
    "moves": _AS_ROWS,
    "new": 8,
    "fences": _AS_ROWS,
    "received": 2,
    "ended": 2,
    "tasks": _AS_ROWS,
    "holds": 4,
    "cleared": 1,
    "ended_timers": 2,
    "timers": 4,
    "artifacts": 4,
    "messages": 4,
    "cached": 5,
    "audit": 9,
}
"""What goes as one array of rows, and what as so many parallel arrays. Those of a group that is empty are null.

The driver looks at every element of an array, and at a row only once: what every step brings goes as rows.
"""


def _task_of(row: tuple[Any, ...]) -> uuid.UUID:
    task: uuid.UUID = row[1]
    return task


_TAIL_BYTES = 4_096
"""So much of history is always folded in faster than a state is written at every step."""


def is_snapshot_due(snapshot_bytes: int, tail_bytes: int) -> bool:
    """Return whether a state is to be written: when the events since the last weigh as much, and are not just a few."""
    return tail_bytes >= max(snapshot_bytes, _TAIL_BYTES)


def next_hash(head: bytes, key: Key, first_seq: int, count: int, body: bytes) -> bytes:
    """Return the hash that a history ends in, after `body` was appended to one that ended in `head`.

    SHA-256 over the previous hash, the clear columns, and the body as it is stored.
    """
    clear = f"{key.tenant}\x1f{key.workflow_id}\x1f{first_seq}\x1f{count}\x1f".encode()
    return hashlib.sha256(head + clear + body).digest()


def _keys(tenants: Iterable[str], workflows: Iterable[uuid.UUID]) -> Iterable[Key]:
    return (Key(tenant, ids.show("wf", workflow)) for tenant, workflow in zip(tenants, workflows, strict=True))
