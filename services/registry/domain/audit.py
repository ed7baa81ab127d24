"""What is written down of a person's call that changed something: the seed's AuditEvent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who asked for what, from where; written with what it changes."""

    event_id: uuid.UUID
    at: datetime
    user_id: str
    action: str
    resource: str
    result: str
    ip_address: str
    user_agent: str
