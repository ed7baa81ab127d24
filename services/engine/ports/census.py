"""How much there is of what operators watch, of all tenants together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from archwright.language.model import Priority
from services.engine.domain.transitions import WorkflowStatus


@dataclass(frozen=True, slots=True)
class Counted:
    """What one look at the database found; what there is none of is left out."""

    waiting: Mapping[tuple[str, Priority], int]
    """Tasks that wait for an agent, by queue and priority."""
    active: Mapping[WorkflowStatus, int]
    """Workflows that have not ended."""
    outbox_lag_seconds: float
    """The age of the oldest commit that nobody noted as published; 0 where there is none."""


class Census(Protocol):
    """Counts across tenants."""

    async def count(self) -> Counted:
        """Look once. Only workflows of tenants that ever borrowed a permit are found, as all that start one do."""
        ...
