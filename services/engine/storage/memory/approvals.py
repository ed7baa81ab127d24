"""Finds who waits for people, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.engine.ports.approvals import ApprovalRow, WantedApprovals
from services.engine.ports.keys import AuditRow, Key
from services.engine.storage.memory.tables import Tables


class MemoryApprovals:
    """Who waits for people, in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, tenant: str, approval_id: str) -> ApprovalRow | None:
        """Return a tenant's approval, or None when there is none."""
        return self._tables.approvals.get((tenant, approval_id))

    async def wanted(self, tenant: str, wanted: WantedApprovals, *, limit: int) -> Sequence[ApprovalRow]:
        """Return the first of the wanted approvals, newest first."""
        rows = [
            row
            for row in self._tables.approvals.values()
            if row.key.tenant == tenant
            and row.ended == wanted.ended
            and (not wanted.after or row.approval_id < wanted.after)
            and wanted.workflow_id in ("", row.key.workflow_id)
            and wanted.definition_name in ("", self._tables.workflows[row.key].created.definition_name)
        ]
        return sorted(rows, key=lambda row: row.approval_id, reverse=True)[:limit]

    async def refused(self, tenant: str, audit: AuditRow) -> None:
        """Keep that somebody's decision was refused."""
        self._tables.audit.append((Key(tenant, ""), audit))
