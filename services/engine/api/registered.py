"""Sees to it that only agents which the registry knows are served.

The registry's word may be a moment behind an agent that has only just registered, so it is waited for a little.
"""

from __future__ import annotations

from archwright.errors import AgentNotRegistered
from services.chassis.clock import Clock
from services.engine.ports.roster import Roster

_SECONDS_MAX = 2.0
_PAUSE_SECONDS = 0.05


async def require_registered(roster: Roster, clock: Clock, tenant: str, agent_id: str, *, then: str) -> None:
    """Return once the agent is known, or raise `AgentNotRegistered`, which says what to do after registering."""
    patience = clock.monotonic() + _SECONDS_MAX
    while not roster.is_registered(tenant, agent_id):
        if clock.monotonic() > patience:
            raise AgentNotRegistered(
                f"The registry does not know agent {agent_id!r}. Register it, then {then} again.",
                facts={"agent_id": agent_id},
            )
        await clock.sleep(_PAUSE_SECONDS)
