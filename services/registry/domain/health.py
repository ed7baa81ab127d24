"""How an agent is: one model from its heartbeats, its own word and its load.

Silence weighs most, because what a silent agent said last is worth nothing any more; load weighs least.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.registry.domain.agent import Agent, Status

MISSED_HEARTBEATS_MAX = 3
"""An agent that misses this many heartbeats in a row is offline."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an agent gets new work, and why not."""

    is_healthy: bool
    reason: str


def status_of(agent: Agent) -> Status:
    """Return how `agent` stands."""
    if agent.is_silent:
        return Status.OFFLINE
    if agent.said is Status.ONLINE and agent.current_task_count >= agent.max_concurrent_tasks:
        return Status.BUSY
    return agent.said


def health_of(agent: Agent) -> Health:
    """Return whether `agent` gets new work."""
    match status_of(agent):
        case Status.ONLINE:
            return Health(is_healthy=True, reason="")
        case Status.BUSY:
            return Health(
                is_healthy=False,
                reason=f"It is busy: {agent.current_task_count} of {agent.max_concurrent_tasks} slots are taken.",
            )
        case Status.DRAINING:
            return Health(is_healthy=False, reason="It finishes what it holds and takes nothing new.")
        case Status.ERROR:
            return Health(is_healthy=False, reason="It says that it is unwell; its own log knows why.")
        case Status.OFFLINE:
            return Health(
                is_healthy=False,
                reason=f"Nothing was heard of it since {agent.last_heartbeat:%Y-%m-%dT%H:%M:%SZ}. Is it running?",
            )


def silent_since(now: datetime, heartbeat_seconds: float) -> datetime:
    """Return the time before which an agent's last heartbeat makes it silent."""
    return now - timedelta(seconds=heartbeat_seconds * MISSED_HEARTBEATS_MAX)
