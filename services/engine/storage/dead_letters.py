"""Keeps dead letters in PostgreSQL; and what a commit writes about those of tasks."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import text

from archwright import ids
from services.engine.ports.dead_letters import Ending, LetterKind, LetterRow, LetterState, WantedLetters
from services.engine.ports.keys import AuditRow
from services.engine.ports.store import Entry
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database

_ADD = """
INSERT INTO engine.dead_letters (tenant_id, letter_id, kind, workflow_id, definition_name, definition_version, step,
  task_id, agent_type, category, code, attempts, seq, created_at, group_name, event_id, envelope, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING
"""

_REDRIVE = """
UPDATE engine.dead_letters SET state = 'redriven', ended_by = $3, ended_at = $4, request_id = $5
 WHERE tenant_id = $1 AND workflow_id = $2 AND kind = 'task' AND state = 'waiting'
"""

_END = text(
    "UPDATE engine.dead_letters SET state = :state, ended_by = :user_id, ended_at = :at, request_id = :request_id, "
    "reason = :reason WHERE tenant_id = :tenant AND letter_id = ANY(:letters) AND state = 'waiting' RETURNING letter_id"
)

_FIND = "SELECT * FROM engine.dead_letters WHERE tenant_id = $1 AND letter_id = $2"

_WANTED = """
  FROM engine.dead_letters
 WHERE tenant_id = $1
   AND ($2::text = '' OR kind = $2) AND ($3::text = '' OR state = $3)
   AND ($4::uuid IS NULL OR workflow_id = $4) AND ($5::text = '' OR definition_name = $5)
   AND ($6::text = '' OR agent_type = $6) AND ($7::text = '' OR category = $7) AND ($8::text = '' OR code = $8)
   AND ($9::timestamptz IS NULL OR created_at >= $9) AND ($10::timestamptz IS NULL OR created_at < $10)
   AND ($11::uuid IS NULL OR letter_id < $11)
"""
_LIST = f"SELECT * {_WANTED} ORDER BY letter_id DESC LIMIT $12"
_COUNT = f"SELECT count(*) {_WANTED}"


def touches_letters(entries: Sequence[Entry]) -> bool:
    """Return whether a commit of these entries makes dead letters, or redrives some."""
    return any(entry.effects.letters or entry.effects.redriven is not None for entry in entries)


async def write_letters(connection: asyncpg.Connection[Any], won: Sequence[Entry]) -> None:
    """Write, in the transaction of their commit, which tasks wait for a person and which no longer do."""
    for entry in won:
        tenant, workflow = entry.key.tenant, ids.read("wf", entry.key.workflow_id)
        if (redriven := entry.effects.redriven) is not None:
            await connection.execute(
                _REDRIVE, tenant, workflow, redriven.user_id, redriven.at, redriven.request_id or None
            )
        for made in entry.effects.letters:
            await connection.execute(
                _ADD,
                *(tenant, _uuid(made.letter_id), LetterKind.TASK, workflow),
                *(made.definition_name, made.definition_version, made.step, ids.read("task", made.task_id)),
                *(made.agent_type, made.category, made.code, made.attempts, made.seq, made.created_at),
                *(None, None, None, None),
            )


class PostgresDeadLetters:
    """Dead letters, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, letter_id: str) -> LetterRow | None:
        """Return a tenant's dead letter, or None when there is none."""
        rows = await self._fetch(tenant, _FIND, tenant, _uuid(letter_id))
        return _row(rows[0]) if rows else None

    async def wanted(self, tenant: str, wanted: WantedLetters, *, limit: int) -> Sequence[LetterRow]:
        """Return the first of the wanted dead letters, newest first."""
        return [_row(row) for row in await self._fetch(tenant, _LIST, *_arguments(tenant, wanted), limit)]

    async def count(self, tenant: str, wanted: WantedLetters) -> int:
        """Return how many are wanted."""
        [row] = await self._fetch(tenant, _COUNT, *_arguments(tenant, wanted))
        return int(row[0])

    async def end(self, tenant: str, letters: Mapping[str, AuditRow], ending: Ending) -> Collection[str]:
        """End those of these dead letters that wait, each with its audit row, and return which."""
        arguments = {
            "tenant": tenant,
            "letters": [_uuid(letter_id) for letter_id in letters],
            "state": ending.state.value,
            "user_id": ending.user_id,
            "at": ending.at,
            "request_id": ending.request_id or None,
            "reason": ending.reason or None,
        }
        async with self._database.tenant(tenant) as connection:
            ended = [ids.show("letter", row[0]) for row in await connection.execute(_END, arguments)]
            for letter_id in ended:
                await append_audit(connection, tenant, letters[letter_id])
        return ended

    async def add_event_letters(self, rows: Sequence[LetterRow]) -> None:
        """Keep dead letters of events. One of the same group and event that waits stays as it is."""
        async with self._database.engine() as connection, connection.transaction():
            tenants = ",".join(sorted({row.tenant for row in rows}))
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenants)
            for row in rows:
                await connection.execute(
                    _ADD,
                    *(row.tenant, _uuid(row.letter_id), LetterKind.EVENT, ids.read("wf", row.workflow_id)),
                    *(row.definition_name, row.definition_version, row.step),
                    ids.read("task", row.task_id) if row.task_id else None,
                    *(row.agent_type, row.category, row.code, row.attempts, row.seq, row.created_at),
                    *(row.group, row.event_id, row.envelope, row.error),
                )

    async def _fetch(self, tenant: str, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
            return list(await connection.fetch(statement, *arguments))


def _arguments(tenant: str, wanted: WantedLetters) -> tuple[Any, ...]:
    return (
        *(tenant, wanted.kind, wanted.state),
        ids.read("wf", wanted.workflow_id) if wanted.workflow_id else None,
        *(wanted.definition_name, wanted.agent_type, wanted.category, wanted.code),
        *(wanted.created_from, wanted.created_before),
        _uuid(wanted.after) if wanted.after else None,
    )


def _row(row: asyncpg.Record) -> LetterRow:
    return LetterRow(
        letter_id=ids.show("letter", row["letter_id"]),
        tenant=row["tenant_id"],
        kind=LetterKind(row["kind"]),
        workflow_id=ids.show("wf", row["workflow_id"]),
        definition_name=row["definition_name"],
        definition_version=row["definition_version"],
        category=row["category"],
        code=row["code"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        step=row["step"],
        task_id="" if row["task_id"] is None else ids.show("task", row["task_id"]),
        agent_type=row["agent_type"],
        seq=row["seq"],
        group=row["group_name"] or "",
        event_id=row["event_id"] or "",
        envelope=row["envelope"] or b"",
        error=row["error"] or "",
        state=LetterState(row["state"]),
        ended_at=row["ended_at"],
        ended_by=row["ended_by"] or "",
        reason=row["reason"] or "",
        request_id=row["request_id"] or "",
    )


def _uuid(letter_id: str) -> uuid.UUID:
    return ids.read("letter", letter_id)
