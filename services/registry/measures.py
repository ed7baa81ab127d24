"""The registry's metrics: who is registered, as every replica knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from services.chassis.metrics import Labels, Metrics
from services.chassis.metrics_catalogue import AGENTS
from services.registry.domain.agent import Agent, Status
from services.registry.domain.health import status_of

Agents = Callable[[], Collection[Agent] | None]
"""Returns who is registered; None while that is not known."""


def tell_agents(metrics: Metrics, agents: Agents) -> None:
    """Export how many agents there are, by type and by how they stand; nothing while that is not known.

    A type that has an agent shows every status: that none is online any more must be seen as a zero.
    """

    def look() -> Mapping[Labels, float]:
        found = Counter[Labels]()
        for agent in agents() or ():
            label = metrics.agent_type(agent.agent_type)
            stands = status_of(agent)
            for status in Status:
                found[label, status] += status is stands
        return found

    metrics.gauge(AGENTS, look)
