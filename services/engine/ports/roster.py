"""The agents that the registry knows."""

from __future__ import annotations

from typing import Protocol


class Roster(Protocol):
    """The agents that the registry knows, as of its last word."""

    def is_registered(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent may connect."""
        ...

    def takes_new_work(self, tenant: str, agent_id: str) -> bool:
        """Return whether the agent should get new tasks."""
        ...
