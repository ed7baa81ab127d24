"""The circuit breakers, shared by all replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from services.engine.domain.breaker import Breaker
from services.engine.ports.keys import AuditRow


class BreakerKey(NamedTuple):
    """Which breaker: of a type of agents, for the tasks of a tenant."""

    tenant: str
    agent_type: str


@dataclass(frozen=True, slots=True)
class KeptBreaker:
    """A breaker, and the version that a change of it must name."""

    breaker: Breaker
    version: int


class Breakers(Protocol):
    """Keeps the breakers. One that was never written is closed and has seen nothing; its version is 0."""

    async def all(self) -> Mapping[BreakerKey, KeptBreaker]:
        """Return every breaker that was ever written."""
        ...

    async def replace(self, key: BreakerKey, version: int, breaker: Breaker) -> bool:
        """Write a breaker, if it still has this version; return whether it had."""
        ...

    async def reset(self, key: BreakerKey, breaker: Breaker, audit: AuditRow) -> None:
        """Write a breaker whatever it was, because a person said so."""
        ...
