"""Who waits for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.engine.ports.keys import Key


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A question to people: the step that asks, and the number of the event by which it did."""

    key: Key
    approval_id: str
    step: str
    seq: int
    ended: bool


class Approvals(Protocol):
    """Finds questions to people, of workflows that are still kept."""

    async def find(self, tenant: str, approval_id: str) -> ApprovalRow | None:
        """Return a tenant's approval, or None when there is none."""
        ...

    async def waiting(
        self, tenant: str, *, limit: int, before: str = "", workflow_id: str = ""
    ) -> Sequence[ApprovalRow]:
        """Return approvals that wait, newest first: those older than the id `before`, and of one workflow."""
        ...
