"""Which agents could take a task, and in which order to ask them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from archwright.language.requirement import Requirement
from services.registry.domain.agent import Agent, Status
from services.registry.domain.health import status_of


class Strategy(StrEnum):
    """How to choose among those that fit."""

    ROUND_ROBIN = "round_robin"
    LEAST_CONNECTIONS = "least_connections"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agent must be."""

    requirement: Requirement
    free_slots_min: int
    strategy: Strategy
    limit: int


def matching(agents: Iterable[Agent], wish: Wish, turn: int) -> Sequence[Agent]:
    """Return the agents that get new work and fit, the best first.

    In turn, each `turn` begins with the next of them; otherwise those with the smallest share of their slots taken
    come first, and of these the one with the most slots free.
    """
    fitting = sorted(
        (agent for agent in agents if _fits(agent, wish)), key=lambda agent: (agent.agent_id, agent.tenant)
    )
    if wish.strategy is Strategy.LEAST_CONNECTIONS:
        fitting.sort(key=lambda agent: (agent.current_task_count / agent.max_concurrent_tasks, -agent.free_slots))
    elif fitting:
        first = turn % len(fitting)
        fitting = fitting[first:] + fitting[:first]
    return fitting[: wish.limit]


def _fits(agent: Agent, wish: Wish) -> bool:
    return (
        status_of(agent) is Status.ONLINE
        and agent.free_slots >= wish.free_slots_min
        and wish.requirement.is_met_by(agent.agent_type, agent.capabilities, agent.labels)
    )
