"""An agent, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from archwright.language.model import Json

PLATFORM = "platform"
"""The tenant whose agents serve, and are seen by, every tenant."""


class Status(StrEnum):
    """How an agent stands."""

    ONLINE = "online"
    OFFLINE = "offline"
    BUSY = "busy"
    ERROR = "error"
    DRAINING = "draining"


class Key(NamedTuple):
    """Which agent: ids are unique within a tenant."""

    tenant: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class CapabilityDetail:
    """What a capability takes and gives, as JSON Schema, and marks of its own; what is empty says nothing."""

    capability: str
    input_schema: Mapping[str, Json] = field(default_factory=dict)
    output_schema: Mapping[str, Json] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """How many tasks an agent holds, by its word of a moment."""

    task_count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Agent:
    """One registered running process.

    `said` is its own word. `is_silent` is ours, once too many heartbeats were missed, and so is `failed_probes`, how
    often in a row its health check failed. `drained_by` is the operator who keeps it from new work.
    """

    tenant: str
    agent_id: str
    agent_type: str
    capabilities: tuple[str, ...]
    max_concurrent_tasks: int
    current_task_count: int
    health_check_url: str
    labels: Mapping[str, str]
    said: Status
    is_silent: bool
    registered_at: datetime
    last_heartbeat: datetime
    capability_details: tuple[CapabilityDetail, ...] = ()
    failed_probes: int = 0
    probe_problem: str = ""
    drained_by: str = ""

    @property
    def free_slots(self) -> int:
        """How many more tasks it could take, by its last word."""
        return max(0, self.max_concurrent_tasks - self.current_task_count)

    @property
    def key(self) -> Key:
        """Which agent this is."""
        return Key(self.tenant, self.agent_id)

    def having(self, load: Load | None) -> Agent:
        """Return the agent with this load, if that is a newer word than its last heartbeat."""
        if load is None or load.at <= self.last_heartbeat:
            return self
        return replace(self, current_task_count=load.task_count, last_heartbeat=load.at)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An agent's word about itself."""

    key: Key
    said: Status
    current_task_count: int
    at: datetime

    @property
    def load(self) -> Load:
        """How busy it is."""
        return Load(self.current_task_count, self.at)


def tenants_seen_by(tenant: str) -> tuple[str, ...] | None:
    """Return whose agents a caller of `tenant` sees, its own first; None means everybody's."""
    return None if tenant == PLATFORM else (tenant, PLATFORM)
