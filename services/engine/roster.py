"""The agents that the registry knows: who may connect, and who should get no new work.

The registry's last word counts while it is away, and before its first word an agent's token alone does: it was
signed by the registry and does not live long. So a registry that is down stops nobody's work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from archwright.language.requirement import Requirement
from archwright.serving.tokens import PLATFORM_TENANT

log = structlog.get_logger(__name__)

_REFUSED = frozenset({"DRAINING", "ERROR"})
_AT_WORK = frozenset({"ONLINE", "BUSY"})


@dataclass(frozen=True, slots=True)
class AgentTold:
    """An agent, by the registry's word. `status` is the name in the registry's contract."""

    tenant: str
    agent_id: str
    status: str
    agent_type: str = ""
    capabilities: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    max_concurrent_tasks: int = 0
    """How many tasks it takes at a time; 0 where that is not said."""


class FollowedRoster:
    """The agents that the registry knows, as of its last word."""

    def __init__(self) -> None:
        self._agents: dict[tuple[str, str], AgentTold] = {}
        self._fresh: dict[tuple[str, str], AgentTold] | None = None
        self._heard = False

    def is_registered(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent may connect."""
        return not self._heard or (tenant, agent_id) in self._agents

    def takes_new_work(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent should get new tasks."""
        agent = self._agents.get((tenant, agent_id))
        return agent is None or agent.status not in _REFUSED

    def find(self, tenant: str, agent_id: str) -> AgentTold | None:
        """Return an agent, if the registry has told of it."""
        return self._agents.get((tenant, agent_id))

    @property
    def has_heard(self) -> bool:
        """Whether the registry has told of its agents; before that, nobody can say who is there."""
        return self._heard

    def agents_of(self, tenant: str) -> Sequence[AgentTold]:
        """Return all agents that may work for a tenant, however they stand."""
        return [agent for agent in self._agents.values() if agent.tenant in (PLATFORM_TENANT, tenant)]

    @property
    def agent_types(self) -> frozenset[str]:
        """The types that have an agent, however it stands."""
        return frozenset(agent.agent_type for agent in self._agents.values())

    def agents_for(self, tenant: str, queue: str) -> Sequence[AgentTold]:
        """Return the agents that take new tasks and could take one of the tenant's from this queue."""
        requirement = Requirement.read(queue)
        return [
            agent
            for agent in self.agents_of(tenant)
            if agent.status in _AT_WORK and requirement.is_met_by(agent.agent_type, agent.capabilities, agent.labels)
        ]

    def has_agent_for(self, tenant: str, queue: str) -> bool:
        """Return whether an agent that takes new tasks could take one from this queue."""
        return not self._heard or bool(self.agents_for(tenant, queue))

    def begin(self) -> None:
        """Begin a new word: who is not in it is registered no longer."""
        self._fresh = {}

    def complete(self) -> None:
        """Everybody who is registered has been told."""
        if self._fresh is not None:
            self._agents, self._fresh, self._heard = self._fresh, None, True
            log.info("roster_received", agents=len(self._agents))

    def tell(self, agent: AgentTold) -> None:
        """Note an agent that was registered, or changed."""
        told = self._agents if self._fresh is None else self._fresh
        told[(agent.tenant, agent.agent_id)] = agent
        # An agent that is new is welcome before the rest has been told.
        self._agents[(agent.tenant, agent.agent_id)] = agent

    def remove(self, tenant: str, agent_id: str) -> None:
        """Note that an agent is registered no longer."""
        self._agents.pop((tenant, agent_id), None)
        if self._fresh is not None:
            self._fresh.pop((tenant, agent_id), None)
