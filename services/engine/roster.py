"""The agents that the registry knows: who may connect, and who should get no new work.

The registry's last word counts while it is away, and before its first word an agent's token alone does: it was
signed by the registry and does not live long. So a registry that is down stops nobody's work.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

_REFUSED = frozenset({"DRAINING", "ERROR"})


@dataclass(frozen=True, slots=True)
class AgentTold:
    """An agent, by the registry's word. `status` is the name in the registry's contract."""

    tenant: str
    agent_id: str
    status: str


class FollowedRoster:
    """The agents that the registry knows, as of its last word."""

    def __init__(self) -> None:
        self._agents: dict[tuple[str, str], str] = {}
        self._fresh: dict[tuple[str, str], str] | None = None
        self._heard = False

    def is_registered(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent may connect."""
        return not self._heard or (tenant, agent_id) in self._agents

    def takes_new_work(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent should get new tasks."""
        return self._agents.get((tenant, agent_id)) not in _REFUSED

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
        told[(agent.tenant, agent.agent_id)] = agent.status
        # An agent that is new is welcome before the rest has been told.
        self._agents[(agent.tenant, agent.agent_id)] = agent.status

    def remove(self, tenant: str, agent_id: str) -> None:
        """Note that an agent is registered no longer."""
        self._agents.pop((tenant, agent_id), None)
        if self._fresh is not None:
            self._fresh.pop((tenant, agent_id), None)
