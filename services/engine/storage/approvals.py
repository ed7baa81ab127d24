"""Finds who waits for people, in PostgreSQL; and what a commit writes about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from archwright import ids
from services.engine.ports.approvals import ApprovalRow
from services.engine.ports.keys import Key
from services.engine.ports.store import Entry
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

_WAITING = """
SELECT * FROM engine.approvals
 WHERE NOT ended AND tenant_id = $1
   AND ($2::uuid IS NULL OR approval_id < $2) AND ($3::uuid IS NULL OR workflow_id = $3)
 ORDER BY approval_id DESC LIMIT $4
"""


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

    async def waiting(
        self, tenant: str, *, limit: int, before: str = "", workflow_id: str = ""
    ) -> Sequence[ApprovalRow]:
        """Return approvals that wait, newest first: those older than the id `before`, and of one workflow."""
        begins = _uuid(before) if before else None
        workflow = ids.read("wf", workflow_id) if workflow_id else None
        return await self._fetch(tenant, _WAITING, tenant, begins, workflow, limit)

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
