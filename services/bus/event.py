"""One event as the bus carries it: a CloudEvents 1.0 envelope around the fields of WorkflowEvent.

`data` is the JSON form of `archwright.events.v1.WorkflowEvent` with its field names as they are, so a consumer
may parse it with the generated type. The envelope repeats only what a router needs without looking inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct, field

from archwright.events.catalogue import CATALOGUE, TYPE_PREFIX, Lane
from archwright.payloads import Json


class BusEvent(Struct, frozen=True, gc=False):
    """A fact about a workflow, without its payload: `attributes` holds only the catalogue's routing fields."""

    tenant: str
    workflow_id: str
    seq: int
    event_type: str
    timestamp: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent_type: str = ""
    step: str = ""
    task_id: str = ""
    correlation_id: str = ""
    retry_count: int = 0
    traceparent: str = ""
    definition_name: str = ""
    definition_version: str = ""

    def __post_init__(self) -> None:
        known = CATALOGUE.get(self.event_type)
        if known is None or known.lane is not Lane.HISTORY:
            raise ValueError(f"{self.event_type!r} is no event type of the history lane; see events/catalogue.py")
        if not known.routing.issuperset(self.attributes):
            unlisted = sorted(set(self.attributes) - known.routing)
            raise ValueError(f"{self.event_type} may not carry {', '.join(unlisted)} on the bus; use catalogue.routing")
        if self.seq < 1:
            raise ValueError(f"seq of {self.event_type} of {self.workflow_id} is {self.seq}; it counts from 1")

    @property
    def event_id(self) -> str:
        """The same for every publication of this event, so that subscribers can drop repetitions."""
        return f"{self.workflow_id}:{self.seq}"


@lru_cache(maxsize=256)
def _rfc_3339(moment: datetime) -> str:
    """Return a time as text; the events of one commit mostly share theirs."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_cloud_event(event: BusEvent) -> dict[str, Json]:
    """Return the envelope of `event`, ready to be written as JSON."""
    event_id, time, seq = event.event_id, _rfc_3339(event.timestamp), str(event.seq)
    facts: dict[str, Json] = {
        "event_id": event_id,
        "workflow_id": event.workflow_id,
        "agent_type": event.agent_type,
        "event_type": event.event_type,
        "payload": event.attributes,
        "timestamp": time,
        "correlation_id": event.correlation_id,
        "retry_count": event.retry_count,
        "seq": seq,  # protobuf's JSON writes int64 as text
        "tenant": event.tenant,
        "traceparent": event.traceparent,
        "step": event.step,
        "task_id": event.task_id,
        "definition_name": event.definition_name,
        "definition_version": event.definition_version,
    }
    envelope: dict[str, Json] = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/tenants/{event.tenant}/workflows/{event.workflow_id}",
        "type": TYPE_PREFIX + event.event_type,
        "subject": event.task_id or event.workflow_id,
        "time": time,
        "datacontenttype": "application/json",
        "tenant": event.tenant,
        "seq": seq,
        "data": facts,
    }
    if event.traceparent:
        envelope["traceparent"] = event.traceparent
    return envelope
