"""Audit rows that are written outside a commit of workflows, in the transaction of what they record."""

from __future__ import annotations

import uuid

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.ports.keys import AuditRow

WRITER = uuid.UUID(bytes=bytes(16))
"""The chain of rows written so; a commit's rows have their replica's."""

_APPEND = text(
    "SELECT engine.append_audit(:tenant, :writer, NULL, :event_id, :at, :user_id, :action, :resource, :result, "
    ":ip_address, :user_agent) FROM pg_advisory_xact_lock(hashtextextended(:tenant, 0))"
)


async def append_audit(connection: AsyncConnection, tenant: str, row: AuditRow) -> None:
    """Append to the tenant's chain."""
    await connection.execute(
        _APPEND,
        {
            "tenant": tenant,
            "writer": WRITER,
            "event_id": row.event_id,
            "at": row.at,
            "user_id": row.user_id,
            "action": row.action,
            "resource": row.resource,
            "result": row.result,
            "ip_address": row.ip_address,
            "user_agent": row.user_agent,
        },
    )
