"""What identifies a workflow, a delivery and a call, wherever the engine speaks of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct


class Key(NamedTuple):
    """Which workflow of which tenant."""

    tenant: str
    workflow_id: str


class Fence(Struct, frozen=True, gc=False):
    """The delivery that a command speaks for. The commit counts only while the open task's row agrees.

    `session_id`, where given, must agree too: what the engine revokes, it revokes from that session.
    """

    task_id: str
    attempt: int
    lease_id: uuid.UUID | None
    session_id: uuid.UUID | None = None


class AuditRow(Struct, frozen=True, gc=False):
    """Who asked for what, from where, and how it went: the seed's AuditEvent."""

    event_id: uuid.UUID
    at: datetime
    user_id: str
    action: str
    resource: str
    result: str
    ip_address: str
    user_agent: str
