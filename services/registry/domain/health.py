"""How an agent is: one model of its heartbeats, its health check, its own word, an operator's decision and its load.

What weighs most decides:

    missed heartbeats                     OFFLINE     what a silent agent said last is worth nothing any more
    failed health checks, or its own word ERROR
    an operator, or its own word          DRAINING
    no free slot, or its own word         BUSY
    none of these                         ONLINE      and only then it gets new work
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.registry.domain.agent import Agent, Status

MISSED_HEARTBEATS_MAX = 3
"""An agent that misses this many heartbeats in a row is offline."""

FAILED_PROBES_MAX = 3
"""An agent whose health check fails this many times in a row is unwell, until it succeeds once."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an agent gets new work, and why not."""

    is_healthy: bool
    reason: str


def status_of(agent: Agent) -> Status:
    """Return how `agent` stands."""
    if agent.is_silent:
        return Status.OFFLINE
    if agent.said is Status.ERROR or agent.failed_probes >= FAILED_PROBES_MAX:
        return Status.ERROR
    if agent.said is Status.DRAINING or agent.drained_by:
        return Status.DRAINING
    if agent.said is Status.BUSY or agent.current_task_count >= agent.max_concurrent_tasks:
        return Status.BUSY
    return Status.ONLINE


def health_of(agent: Agent) -> Health:
    """Return whether `agent` gets new work."""
    match status_of(agent):
        case Status.ONLINE:
            return Health(is_healthy=True, reason="")
        case Status.BUSY:
            reason = f"It is busy: {agent.current_task_count} of {agent.max_concurrent_tasks} slots are taken."
        case Status.DRAINING if agent.drained_by:
            reason = (
                f"{agent.drained_by} keeps it from new work. `archwright agents resume {agent.agent_id}` ends that."
            )
        case Status.DRAINING:
            reason = "It finishes what it holds and takes nothing new."
        case Status.ERROR if agent.failed_probes >= FAILED_PROBES_MAX:
            reason = f"Its health check failed {agent.failed_probes} times in a row: {agent.probe_problem}"
        case Status.ERROR:
            reason = "It says that it is unwell; its own log knows why."
        case Status.OFFLINE:
            reason = f"Nothing was heard of it since {agent.last_heartbeat:%Y-%m-%dT%H:%M:%SZ}. Is it running?"
    return Health(is_healthy=False, reason=reason)


def silent_since(now: datetime, heartbeat_seconds: float) -> datetime:
    """Return the time before which an agent's last heartbeat makes it silent."""
    return now - timedelta(seconds=heartbeat_seconds * MISSED_HEARTBEATS_MAX)
