"""Finds who waits for people, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from services.engine.ports.approvals import ApprovalRow
from services.engine.storage.memory.tables import Tables


class MemoryApprovals:
    """Who waits for people, in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, tenant: str, approval_id: str) -> ApprovalRow | None:
        """Return a tenant's approval, or None when there is none."""
        return self._tables.approvals.get((tenant, approval_id))

    async def waiting(
        self, tenant: str, *, limit: int, before: str = "", workflow_id: str = ""
    ) -> Sequence[ApprovalRow]:
        """Return approvals that wait, newest first: those older than the id `before`, and of one workflow."""
        rows = [
            row
            for row in self._tables.approvals.values()
            if row.key.tenant == tenant
            and not row.ended
            and (not before or row.approval_id < before)
            and workflow_id in ("", row.key.workflow_id)
        ]
        return sorted(rows, key=lambda row: row.approval_id, reverse=True)[:limit]
