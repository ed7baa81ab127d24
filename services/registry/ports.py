"""What the registry needs of the world, and its parts of each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from services.registry.domain.agent import Agent, Heartbeat, Key, Load
from services.registry.domain.audit import AuditEvent
from services.registry.domain.registration import Registration

Tenants: TypeAlias = tuple[str, ...] | None
"""Whose agents are meant, in order of preference; None means everybody's."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new since a cursor, and the cursor to ask with next. A change may come twice, never not at all."""

    agents: Sequence[Agent]
    removed: Sequence[Key]
    cursor: int


class AgentStore(Protocol):
    """Keeps the agents. Every method raises DependencyUnavailable when it cannot."""

    async def put(self, registration: Registration, at: datetime) -> Agent:
        """Register, or renew a registration; who renews keeps `registered_at`, and what an operator decided."""

    async def get(self, agent_id: str, tenants: Tenants) -> Agent | None:
        """Return the agent of this id, of the first of the tenants that has one."""

    async def page(self, tenants: Tenants, *, agent_type: str, after: Key | None, limit: int) -> Sequence[Agent]:
        """Return up to `limit` agents beyond `after`, by id and then tenant; all types when `agent_type` is empty."""

    async def candidates(self, tenants: Tenants, *, agent_type: str, labels: Mapping[str, str]) -> Sequence[Agent]:
        """Return the agents that are heard of, of this type (all when empty) and with these labels."""

    async def remove(self, key: Key, at: datetime, request_id: str, audit: AuditEvent | None = None) -> bool:
        """End a registration; return whether it ended by this request, now or when it was sent before."""

    async def set_drained(self, key: Key, by: str, audit: AuditEvent) -> Agent | None:
        """Note who keeps an agent from new work, nobody when empty; return it, or None when it is not registered."""

    async def due_probes(self, now: datetime, again_at: datetime, limit: int) -> Sequence[Agent]:
        """Return agents whose health check is due; no other replica is given them before `again_at`."""

    async def note_probe(self, key: Key, url: str, problem: str) -> None:
        """Note how a health check of this URL went: why it failed, or nothing."""

    async def note(self, heartbeats: Sequence[Heartbeat]) -> Collection[Key]:
        """Take heartbeats, at most one per agent, and return those agents that are registered."""

    async def mark_silent(self, since: datetime) -> Sequence[Key]:
        """Mark agents that were last heard of before `since`, and return those that were not marked yet."""

    async def remove_lost(self, before: datetime, at: datetime) -> Sequence[Key]:
        """End, at `at`, the registrations of silent agents last heard of before `before`, and return those.

        An agent that an operator drained stays, and so does the decision.
        """

    async def forget_removed(self, before: datetime) -> None:
        """Forget registrations that ended before `before`. Until then a follower is told of them."""

    async def everybody(self) -> Changes:
        """Return all agents, and the cursor from which to follow."""

    async def changes_since(self, cursor: int) -> Changes:
        """Return what changed since `cursor`; a heartbeat that says nothing new is no change."""

    async def is_up(self) -> bool:
        """Return whether the store answers."""


class Presence(Protocol):
    """The freshest word on how busy agents are, and whose turn it is. Hints: all of it may be gone at any moment."""

    async def tell(self, heartbeats: Sequence[Heartbeat]) -> None:
        """Remember for a while how busy these agents are."""

    async def loads(self, keys: Sequence[Key]) -> Mapping[Key, Load]:
        """Return how busy agents are, of those that were heard of lately. It may be older than what the store has."""

    async def next_turn(self, queue: str) -> int:
        """Return a number that grows by one with every call for the same queue, on any replica."""


class Prober(Protocol):
    """Asks an agent how it is."""

    async def probe(self, url: str) -> str:
        """Return why a health check failed, or nothing when it went well. Never raises, and always ends soon.

        What it returns is short and printable, whatever the agent answered.
        """


class Heartbeats(Protocol):
    """Takes heartbeats."""

    async def take(self, heartbeat: Heartbeat) -> bool:
        """Return, once it is kept, whether the agent is registered."""


@dataclass(frozen=True, slots=True)
class Known:
    """An agent is registered, or changed."""

    agent: Agent


@dataclass(frozen=True, slots=True)
class Removed:
    """An agent is registered no longer."""

    key: Key


@dataclass(frozen=True, slots=True)
class SnapshotComplete:
    """Everybody who was registered has been told."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing happened for a while."""


Update: TypeAlias = Known | Removed | SnapshotComplete | Quiet


class Feed(Protocol):
    """Tells who is registered, and every change."""

    def watch(self, tenants: Tenants) -> AsyncGenerator[Update, None]:
        """Tell everybody, then SnapshotComplete, then changes; ends when the feed is closed."""

    def wake(self) -> None:
        """Look for changes at once, because this replica just made one."""
