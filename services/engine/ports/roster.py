"""The agents that the registry knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class KnownAgent(Protocol):
    """An agent, by the registry's word. `status` is the name in the registry's contract."""

    @property
    def agent_id(self) -> str:
        """Its id, unique within its tenant."""
        ...

    @property
    def agent_type(self) -> str:
        """What it is."""
        ...

    @property
    def status(self) -> str:
        """How it stands."""
        ...

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it offers, each `name` or `name@version`."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """What else is said of it."""
        ...

    @property
    def max_concurrent_tasks(self) -> int:
        """How many tasks it takes at a time; 0 where that is not said."""
        ...


class Roster(Protocol):
    """The agents that the registry knows, as of its last word."""

    def is_registered(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent may connect."""
        ...

    def find(self, tenant: str, agent_id: str) -> KnownAgent | None:
        """Return an agent, if the registry has told of it."""
        ...

    def takes_new_work(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent should get new tasks."""
        ...

    def has_agent_for(self, tenant: str, queue: str) -> bool:
        """Return whether an agent that takes new tasks could take one from this queue."""
        ...

    @property
    def has_heard(self) -> bool:
        """Whether the registry has told of its agents; before that, nobody can say who is there."""
        ...

    def agents_for(self, tenant: str, queue: str) -> Sequence[KnownAgent]:
        """Return the agents that take new tasks and could take one of the tenant's from this queue."""
        ...

    def agents_of(self, tenant: str) -> Sequence[KnownAgent]:
        """Return all agents that may work for a tenant, however they stand."""
        ...
