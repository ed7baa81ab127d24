"""Who waits for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.engine.ports.keys import AuditRow, Key


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A question to people: the step that asks, and the number of the event by which it did."""

    key: Key
    approval_id: str
    step: str
    seq: int
    ended: bool


@dataclass(frozen=True, slots=True)
class WantedApprovals:
    """Which approvals are asked for; a text that is empty does not matter. They are older than the id `after`."""

    ended: bool = False
    workflow_id: str = ""
    definition_name: str = ""
    after: str = ""


class Approvals(Protocol):
    """Finds questions to people, of workflows that are still kept."""

    async def find(self, tenant: str, approval_id: str) -> ApprovalRow | None:
        """Return a tenant's approval, or None when there is none."""
        ...

    async def wanted(self, tenant: str, wanted: WantedApprovals, *, limit: int) -> Sequence[ApprovalRow]:
        """Return the first of the wanted approvals, newest first."""
        ...

    async def refused(self, tenant: str, audit: AuditRow) -> None:
        """Keep that somebody's decision was refused."""
        ...
