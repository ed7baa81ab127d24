"""Finds who waits for people, in PostgreSQL; and what a commit writes about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from archwright import ids
from services.engine.ports.approvals import ApprovalRow, WantedApprovals
from services.engine.ports.keys import AuditRow, Key
from services.engine.ports.store import Entry
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database

_ASK = """
INSERT INTO engine.approvals (tenant_id, approval_id, workflow_id, step, seq)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[])
"""

_END = """
UPDATE engine.approvals AS a SET ended = true
  FROM unnest($1::text[], $2::uuid[]) AS x (tenant_id, approval_id)
 WHERE a.tenant_id = x.tenant_id AND a.approval_id = x.approval_id
"""

_FIND = "SELECT * FROM engine.approvals WHERE tenant_id = $1 AND approval_id = $2"

_WANTED = """
SELECT * FROM engine.approvals AS a
 WHERE {ended} AND tenant_id = $1
   AND ($2::uuid IS NULL OR approval_id < $2) AND ($3::uuid IS NULL OR workflow_id = $3)
   AND ($4::text = '' OR EXISTS (
     SELECT FROM engine.workflows AS w
      WHERE w.tenant_id = a.tenant_id AND w.workflow_id = a.workflow_id AND w.definition_name = $4))
 ORDER BY approval_id DESC LIMIT $5
"""
_WAITING, _ENDED = _WANTED.format(ended="NOT ended"), _WANTED.format(ended="ended")
"""Two statements: there is an index of those that wait."""


def touches_approvals(entries: Sequence[Entry]) -> bool:
    """Return whether a commit of these entries asks people, or stops asking them."""
    return any(entry.effects.approvals or entry.effects.ended_approvals for entry in entries)


async def write_approvals(connection: asyncpg.Connection[Any], won: Sequence[Entry]) -> None:
    """Write, in the transaction of their commit, what these entries ask of people and what they no longer do."""
    asked: list[tuple[Any, ...]] = []
    ended: list[tuple[str, uuid.UUID]] = []
    for entry in won:
        tenant, workflow = entry.key.tenant, ids.read("wf", entry.key.workflow_id)
        asked.extend(
            (tenant, _uuid(made.approval_id), workflow, made.step, made.seq) for made in entry.effects.approvals
        )
        ended.extend((tenant, _uuid(approval_id)) for approval_id in entry.effects.ended_approvals)
    if asked:
        await connection.execute(_ASK, *map(list, zip(*asked, strict=True)))
    if ended:
        await connection.execute(_END, *map(list, zip(*ended, strict=True)))


class PostgresApprovals:
    """Who waits for people, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, approval_id: str) -> ApprovalRow | None:
        """Return a tenant's approval, or None when there is none."""
        rows = await self._fetch(tenant, _FIND, tenant, _uuid(approval_id))
        return rows[0] if rows else None

    async def wanted(self, tenant: str, wanted: WantedApprovals, *, limit: int) -> Sequence[ApprovalRow]:
        """Return the first of the wanted approvals, newest first."""
        begins = _uuid(wanted.after) if wanted.after else None
        workflow = ids.read("wf", wanted.workflow_id) if wanted.workflow_id else None
        statement = _ENDED if wanted.ended else _WAITING
        return await self._fetch(tenant, statement, tenant, begins, workflow, wanted.definition_name, limit)

    async def refused(self, tenant: str, audit: AuditRow) -> None:
        """Keep that somebody's decision was refused."""
        async with self._database.tenant(tenant) as connection:
            await append_audit(connection, tenant, audit)

    async def _fetch(self, tenant: str, statement: str, *arguments: Any) -> Sequence[ApprovalRow]:
        async with self._database.engine() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenants', $1, true)", tenant)
            rows = await connection.fetch(statement, *arguments)
        return [
            ApprovalRow(
                key=Key(row["tenant_id"], ids.show("wf", row["workflow_id"])),
                approval_id=ids.show("approval", row["approval_id"]),
                step=row["step"],
                seq=row["seq"],
                ended=row["ended"],
            )
            for row in rows
        ]


def _uuid(approval_id: str) -> uuid.UUID:
    return ids.read("approval", approval_id)
