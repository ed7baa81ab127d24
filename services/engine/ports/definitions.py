"""The recipes that workflows follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archwright.language.plan import Plan
from services.engine.ports.keys import AuditRow


@dataclass(frozen=True, slots=True)
class PublishedDefinition:
    """A definition of a tenant, as it was published."""

    name: str
    version: str
    content_hash: str
    source: str
    plan: Plan
    created_at: datetime | None
    created_by: str
    built_in: bool


class Definitions(Protocol):
    """The definitions of tenants, and those that come with Archwright."""

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition; the newest when no version is named. Raises DefinitionNotFound."""
        ...

    async def publish(self, tenant: str, source: str, user_id: str, audit: AuditRow) -> PublishedDefinition:
        """Keep a definition. Raises DefinitionInvalid, or DefinitionVersionTaken when it exists with other content."""
        ...

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[PublishedDefinition]:
        """Return the newest version of each definition whose name sorts after `after`."""
        ...
