"""Events as the bus brings them, and messages made of them."""

from __future__ import annotations

from datetime import UTC, datetime

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.notifier.message import Message, envelope_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(event_type: str = "workflow_failed", *, seq: int = 7, tenant: str = "acme", **payload: str) -> WorkflowEvent:
    made = WorkflowEvent(
        event_id=f"wf_1:{seq}",
        workflow_id="wf_1",
        event_type=event_type,
        seq=seq,
        tenant=tenant,
        step="requirement_analysis",
        agent_type="business_analyst",
        definition_name="architecture_creation",
        definition_version="1.0.0",
    )
    made.timestamp.FromDatetime(NOON)
    made.payload.update(payload)
    return made


def message(subject: str = "Failed", body: str = "It failed.\n", *, html: str = "", link: str = "") -> Message:
    return Message("wf_1:7", subject, body, html, link, envelope_of(event()))
