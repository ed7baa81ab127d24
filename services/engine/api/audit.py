"""Audit rows of calls."""

from __future__ import annotations

from archwright import ids
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.ports.keys import AuditRow


def audit_row(call: Call, clock: Clock, resource: str, result: str = "ok") -> AuditRow:
    """Return the row that records this call; of one that is granted it is written with what the call changes."""
    return AuditRow(
        event_id=ids.new_uuid(),
        at=clock.now(),
        user_id=call.caller.subject,
        action=call.method.rpartition("/")[2],
        resource=resource,
        result=result,
        ip_address=call.ip_address,
        user_agent=call.user_agent[:200],
    )
