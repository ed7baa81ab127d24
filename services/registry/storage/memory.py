"""The agents in memory: the twin of `agents.py` for tests, held to it by one contract suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archwright.errors import DependencyUnavailable
from services.registry.domain.agent import Agent, Heartbeat, Key, Status
from services.registry.domain.audit import AuditEvent
from services.registry.domain.registration import Registration
from services.registry.ports import Changes, Tenants


@dataclass(slots=True)
class _Kept:
    agent: Agent
    changed_in: int
    removed_at: datetime | None = None
    removed_by: str = ""
    probe_at: datetime | None = None


class MemoryAgents:
    """The AgentStore in memory. While `is_away`, it fails as a database that does not answer."""

    def __init__(self) -> None:
        self.is_away = False
        self._kept: dict[Key, _Kept] = {}
        self._changes_made = 0
        self.audit: list[tuple[str, AuditEvent]] = []

    async def put(self, registration: Registration, at: datetime) -> Agent:
        """Register, or renew a registration; who renews keeps `registered_at`, and what an operator decided."""
        self._answer()
        key = Key(registration.tenant, registration.agent_id)
        known = self._registered(key)
        agent = Agent(
            tenant=registration.tenant,
            agent_id=registration.agent_id,
            agent_type=registration.agent_type,
            capabilities=registration.capabilities,
            max_concurrent_tasks=registration.max_concurrent_tasks,
            current_task_count=0,
            health_check_url=registration.health_check_url,
            labels=dict(registration.labels),
            said=Status.ONLINE,
            is_silent=False,
            registered_at=known.agent.registered_at if known else at,
            last_heartbeat=at,
            capability_details=registration.capability_details,
            drained_by=known.agent.drained_by if known else "",
        )
        self._kept[key] = _Kept(agent, self._next_change(), probe_at=at)
        return agent

    async def get(self, agent_id: str, tenants: Tenants) -> Agent | None:
        """Return the agent of this id, of the first of the tenants that has one."""
        self._answer()
        preferred = sorted({key.tenant for key in self._kept}) if tenants is None else tenants
        for tenant in preferred:
            kept = self._registered(Key(tenant, agent_id))
            if kept is not None:
                return kept.agent
        return None

    async def page(self, tenants: Tenants, *, agent_type: str, after: Key | None, limit: int) -> Sequence[Agent]:
        """Return up to `limit` agents beyond `after`, by id and then tenant; all types when `agent_type` is empty."""
        self._answer()
        beyond = (after.agent_id, after.tenant) if after else ("", "")
        found = [
            kept.agent
            for key, kept in self._kept.items()
            if kept.removed_at is None
            and (tenants is None or key.tenant in tenants)
            and agent_type in ("", kept.agent.agent_type)
            and (key.agent_id, key.tenant) > beyond
        ]
        return sorted(found, key=lambda agent: (agent.agent_id, agent.tenant))[:limit]

    async def candidates(self, tenants: Tenants, *, agent_type: str, labels: Mapping[str, str]) -> Sequence[Agent]:
        """Return the agents that are heard of, of this type (all when empty) and with these labels."""
        self._answer()
        return [
            kept.agent
            for key, kept in self._kept.items()
            if kept.removed_at is None
            and not kept.agent.is_silent
            and (tenants is None or key.tenant in tenants)
            and agent_type in ("", kept.agent.agent_type)
            and labels.items() <= kept.agent.labels.items()
        ]

    async def remove(self, key: Key, at: datetime, request_id: str, audit: AuditEvent | None = None) -> bool:
        """End a registration; return whether it ended by this request, now or when it was sent before."""
        self._answer()
        kept = self._kept.get(key)
        if kept is None:
            return False
        if kept.removed_at is not None:
            return bool(request_id) and kept.removed_by == request_id
        self._kept[key] = _Kept(kept.agent, self._next_change(), at, request_id)
        if audit is not None:
            self.audit.append((key.tenant, audit))
        return True

    async def set_drained(self, key: Key, by: str, audit: AuditEvent) -> Agent | None:
        """Note who keeps an agent from new work, nobody when empty; return it, or None when it is not registered."""
        self._answer()
        kept = self._registered(key)
        if kept is None:
            return None
        kept.agent, kept.changed_in = replace(kept.agent, drained_by=by), self._next_change()
        self.audit.append((key.tenant, audit))
        return kept.agent

    async def due_probes(self, now: datetime, again_at: datetime, limit: int) -> Sequence[Agent]:
        """Return agents whose health check is due; no other replica is given them before `again_at`."""
        self._answer()
        due = [
            kept
            for kept in self._kept.values()
            if kept.removed_at is None
            and not kept.agent.is_silent
            and kept.agent.health_check_url
            and kept.probe_at is not None
            and kept.probe_at <= now
        ]
        taken = sorted(due, key=lambda kept: kept.probe_at or now)[:limit]
        for kept in taken:
            kept.probe_at = again_at
        return [kept.agent for kept in taken]

    async def note_probe(self, key: Key, url: str, problem: str) -> None:
        """Note how a health check of this URL went: why it failed, or nothing."""
        self._answer()
        kept = self._registered(key)
        if kept is None or kept.agent.health_check_url != url or not (problem or kept.agent.failed_probes):
            return
        failed = kept.agent.failed_probes + 1 if problem else 0
        kept.agent, kept.changed_in = (
            replace(kept.agent, failed_probes=failed, probe_problem=problem),
            self._next_change(),
        )

    async def note(self, heartbeats: Sequence[Heartbeat]) -> Collection[Key]:
        """Take heartbeats, at most one per agent, and return those agents that are registered."""
        self._answer()
        found = set()
        for heartbeat in heartbeats:
            kept = self._registered(heartbeat.key)
            if kept is None:
                continue
            found.add(heartbeat.key)
            before = kept.agent
            kept.agent = replace(
                before,
                said=heartbeat.said,
                current_task_count=heartbeat.current_task_count,
                is_silent=False,
                last_heartbeat=max(before.last_heartbeat, heartbeat.at),
            )
            if kept.agent != replace(before, last_heartbeat=kept.agent.last_heartbeat):
                kept.changed_in = self._next_change()
        return found

    async def mark_silent(self, since: datetime) -> Sequence[Key]:
        """Mark agents that were last heard of before `since`, and return those that were not marked yet."""
        self._answer()
        marked = []
        for key, kept in self._kept.items():
            if kept.removed_at is None and not kept.agent.is_silent and kept.agent.last_heartbeat < since:
                kept.agent = replace(kept.agent, is_silent=True)
                kept.changed_in = self._next_change()
                marked.append(key)
        return marked

    async def remove_lost(self, before: datetime, at: datetime) -> Sequence[Key]:
        """End the registrations of silent agents last heard of before `before`, but of drained ones; return those."""
        self._answer()
        ended = []
        for key, kept in self._kept.items():
            agent = kept.agent
            if kept.removed_at is None and agent.is_silent and agent.last_heartbeat < before and not agent.drained_by:
                kept.removed_at, kept.removed_by, kept.changed_in = at, "", self._next_change()
                ended.append(key)
        return ended

    async def forget_removed(self, before: datetime) -> None:
        """Forget registrations that ended before `before`. Until then a follower is told of them."""
        self._answer()
        self._kept = {
            key: kept for key, kept in self._kept.items() if kept.removed_at is None or kept.removed_at >= before
        }

    async def everybody(self) -> Changes:
        """Return all agents, and the cursor from which to follow."""
        self._answer()
        everybody = [kept.agent for kept in self._kept.values() if kept.removed_at is None]
        return Changes(agents=everybody, removed=[], cursor=self._changes_made + 1)

    async def changes_since(self, cursor: int) -> Changes:
        """Return what changed since `cursor`; a heartbeat that says nothing new is no change."""
        self._answer()
        changed = [(key, kept) for key, kept in self._kept.items() if kept.changed_in >= cursor]
        return Changes(
            agents=[kept.agent for _, kept in changed if kept.removed_at is None],
            removed=[key for key, kept in changed if kept.removed_at is not None],
            cursor=self._changes_made + 1,
        )

    async def is_up(self) -> bool:
        """Return whether the store answers."""
        return not self.is_away

    def _registered(self, key: Key) -> _Kept | None:
        kept = self._kept.get(key)
        return kept if kept is not None and kept.removed_at is None else None

    def _next_change(self) -> int:
        self._changes_made += 1
        return self._changes_made

    def _answer(self) -> None:
        if self.is_away:
            raise DependencyUnavailable("The agents are away just now.", facts={"dependency": "memory"})
