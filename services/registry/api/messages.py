"""Between the registry's values and its messages."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from archwright.errors import RequestInvalid, Violation
from archwright.registry.v1 import agent_registry_pb2 as pb
from services.registry.domain.agent import Agent, Key, Status
from services.registry.domain.health import health_of, status_of
from services.registry.ports import Known, Quiet, Removed, SnapshotComplete, Update

_TO_WIRE: Final = {
    Status.ONLINE: pb.Agent.ONLINE,
    Status.OFFLINE: pb.Agent.OFFLINE,
    Status.BUSY: pb.Agent.BUSY,
    Status.ERROR: pb.Agent.ERROR,
    Status.DRAINING: pb.Agent.DRAINING,
}
_SAID: Final = {
    pb.Agent.STATUS_UNSPECIFIED: Status.ONLINE,
    pb.Agent.ONLINE: Status.ONLINE,
    pb.Agent.BUSY: Status.BUSY,
    pb.Agent.ERROR: Status.ERROR,
    pb.Agent.DRAINING: Status.DRAINING,
}


def agent_message(agent: Agent) -> pb.Agent:
    """Return the agent as callers see it."""
    return pb.Agent(
        agent_id=agent.agent_id,
        agent_type=agent.agent_type,
        capabilities=agent.capabilities,
        status=_TO_WIRE[status_of(agent)],
        max_concurrent_tasks=agent.max_concurrent_tasks,
        current_task_count=agent.current_task_count,
        health_check_url=agent.health_check_url,
        registered_at=timestamp(agent.registered_at),
        last_heartbeat=timestamp(agent.last_heartbeat),
        tenant=agent.tenant,
        labels=agent.labels,
    )


def health_message(agent: Agent) -> pb.AgentHealth:
    """Return how the agent is."""
    health = health_of(agent)
    return pb.AgentHealth(
        agent_id=agent.agent_id,
        status=_TO_WIRE[status_of(agent)],
        healthy=health.is_healthy,
        reason=health.reason,
        last_heartbeat=timestamp(agent.last_heartbeat),
    )


def update_message(update: Update) -> pb.WatchAgentsResponse:
    """Return one thing that a watcher is told."""
    match update:
        case Known(agent):
            return pb.WatchAgentsResponse(agent=agent_message(agent))
        case Removed(Key(tenant, agent_id)):
            return pb.WatchAgentsResponse(removed=f"{tenant}/{agent_id}")
        case SnapshotComplete():
            return pb.WatchAgentsResponse(snapshot_complete=pb.SnapshotComplete())
        case Quiet():
            return pb.WatchAgentsResponse(heartbeat=pb.WatchHeartbeat())


def said_by(request: pb.HeartbeatAgentRequest) -> Status:
    """Return what the agent says of itself; raises RequestInvalid for what it cannot say."""
    said = _SAID.get(request.status)
    if said is None:
        raise RequestInvalid(
            "`status` must be ONLINE, BUSY, ERROR or DRAINING: an agent that sends a heartbeat is not offline.",
            violations=[Violation("status", "must be ONLINE, BUSY, ERROR or DRAINING")],
        )
    return said


def timestamp(at: datetime) -> Timestamp:
    """Return a time as messages hold it."""
    message = Timestamp()
    message.FromDatetime(at)
    return message
