"""Between the registry's values and its messages."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from archwright.errors import RequestInvalid, Violation
from archwright.language.requirement import Requirement
from archwright.language.versions import Range, RangeInvalid
from archwright.payloads import from_struct
from archwright.registry.v1 import agent_registry_pb2 as pb
from services.registry.domain.agent import Agent, CapabilityDetail, Key, Status
from services.registry.domain.health import health_of, status_of
from services.registry.domain.matching import Strategy, Wish
from services.registry.domain.registration import AGENT_TYPE, CAPABILITY_NAME, TASKS_MAX, label_violations
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
_STRATEGIES: Final = {
    pb.MatchAgentsRequest.STRATEGY_UNSPECIFIED: Strategy.ROUND_ROBIN,
    pb.MatchAgentsRequest.ROUND_ROBIN: Strategy.ROUND_ROBIN,
    pb.MatchAgentsRequest.LEAST_CONNECTIONS: Strategy.LEAST_CONNECTIONS,
}
MATCHES: Final = 10
MATCHES_MAX: Final = 200
REQUEST_ID_LENGTH_MAX: Final = 255


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
        capability_details=[_detail_message(detail) for detail in agent.capability_details],
        drained_by=agent.drained_by,
    )


def _detail_message(detail: CapabilityDetail) -> pb.CapabilityDetail:
    message = pb.CapabilityDetail(capability=detail.capability, labels=detail.labels)
    if detail.input_schema:
        message.input_schema.update(detail.input_schema)
    if detail.output_schema:
        message.output_schema.update(detail.output_schema)
    return message


def details_of(request: pb.RegisterAgentRequest) -> tuple[CapabilityDetail, ...]:
    """Return what an agent says of its capabilities; raises PayloadInvalid where JSON cannot carry it."""
    return tuple(
        CapabilityDetail(
            detail.capability,
            from_struct(detail.input_schema, root=f"capability_details[{position}].input_schema"),
            from_struct(detail.output_schema, root=f"capability_details[{position}].output_schema"),
            dict(detail.labels),
        )
        for position, detail in enumerate(request.capability_details)
    )


def wish_of(request: pb.MatchAgentsRequest) -> Wish:
    """Return what is asked for; raises RequestInvalid."""
    if not (request.agent_type or request.capability or request.labels):
        raise _wrong("agent_type", "or `capability` or `labels` must be given")
    for violation in label_violations(dict(request.labels)):
        raise _wrong(violation.field, violation.description)
    name, _, versions = request.capability.partition("@")
    if request.capability and not CAPABILITY_NAME.fullmatch(name):
        raise _wrong("capability", f"is {request.capability[:80]!r}, not `name` or `name@range`")
    if versions:
        try:
            Range.read(versions)
        except RangeInvalid as invalid:
            raise _wrong("capability", f"asks for the versions {versions[:80]!r}: {invalid}") from None
    if not 0 <= request.free_slots_min <= TASKS_MAX:
        raise _wrong("free_slots_min", f"must be 1 to {TASKS_MAX}, or 0 for 1")
    if not 0 <= request.limit <= MATCHES_MAX:
        raise _wrong("limit", f"must be 1 to {MATCHES_MAX}, or 0 for {MATCHES}")
    strategy = _STRATEGIES.get(request.strategy)
    if strategy is None:
        raise _wrong("strategy", "must be ROUND_ROBIN or LEAST_CONNECTIONS")
    requirement = Requirement(agent_type_of(request.agent_type), name, versions, dict(request.labels))
    return Wish(requirement, request.free_slots_min or 1, strategy, request.limit or MATCHES)


def agent_type_of(asked: str) -> str:
    """Return the type whose agents are asked for, empty for all; raises RequestInvalid."""
    if asked and not AGENT_TYPE.fullmatch(asked):
        raise _wrong("agent_type", f"is {asked[:80]!r}, which no agent has: a type is of the form [a-z][a-z0-9_]*")
    return asked


def request_id_of(asked: str) -> str:
    """Return the id by which a repeated request is recognised; raises RequestInvalid."""
    if len(asked) > REQUEST_ID_LENGTH_MAX or not asked.isprintable():
        raise _wrong("request_id", f"must be at most {REQUEST_ID_LENGTH_MAX} printable characters")
    return asked


def is_to_drain(request: pb.SetAgentStatusRequest) -> bool:
    """Return whether an operator keeps the agent from new work, or no longer; raises RequestInvalid."""
    match request.status:
        case pb.Agent.DRAINING:
            return True
        case pb.Agent.ONLINE:
            return False
    raise _wrong("status", "must be DRAINING (nothing new) or ONLINE (new work again); the rest is the agent's to say")


def _wrong(field: str, description: str) -> RequestInvalid:
    return RequestInvalid(f"`{field}` {description}.", violations=[Violation(field, description)])


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
