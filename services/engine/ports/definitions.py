"""The recipes that workflows follow, and the channels that point at their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from archwright.language.plan import Plan
from services.engine.domain.definitions import Channel, DefinitionVersion
from services.engine.ports.keys import AuditRow


@dataclass(frozen=True, slots=True)
class PublishedDefinition:
    """A definition of a tenant, ready to be followed."""

    published: DefinitionVersion
    plan: Plan

    @property
    def name(self) -> str:
        """Its name."""
        return self.published.name

    @property
    def version(self) -> str:
        """Its version."""
        return self.published.version

    @property
    def content_hash(self) -> str:
        """The hash of what it says."""
        return self.published.content_hash


class Definitions(Protocol):
    """The definitions of tenants, and those that come with Archwright.

    Everything that changes something writes its audit row, unless it finds that nothing has to change.
    """

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition by version or channel. Raises DefinitionNotFound.

        Every publishing, deprecating and moving of a channel that was answered before the call is seen.
        """
        ...

    async def source(self, tenant: str, name: str, version: str) -> str:
        """Return the text of a version as it was published. Raises DefinitionNotFound."""
        ...

    async def publish(
        self, tenant: str, source: str, user_id: str, audit: AuditRow, channels: Sequence[str] = ()
    ) -> PublishedDefinition:
        """Keep a definition and point channels at it, or do nothing.

        Raises DefinitionInvalid; DefinitionVersionTaken when it exists with other content; and what `set_channel`
        raises.
        """
        ...

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[PublishedDefinition]:
        """Return each definition whose name sorts after `after`, by name: the latest version, or else the highest."""
        ...

    async def versions(self, tenant: str, name: str) -> Sequence[DefinitionVersion]:
        """Return all versions of a definition, the highest first. Raises DefinitionNotFound."""
        ...

    async def deprecate(
        self, tenant: str, name: str, version: str, note: str, user_id: str, audit: AuditRow
    ) -> DefinitionVersion:
        """Have new workflows follow a version no longer. Raises DefinitionNotFound and ChannelInUse."""
        ...

    async def restore(self, tenant: str, name: str, version: str, audit: AuditRow) -> DefinitionVersion:
        """Take a deprecation back. Raises DefinitionNotFound."""
        ...

    async def channels(self, tenant: str, name: str) -> Sequence[Channel]:
        """Return the channels of a definition by name, with `latest`. Raises DefinitionNotFound."""
        ...

    async def set_channel(
        self, tenant: str, name: str, channel: str, version: str, user_id: str, audit: AuditRow
    ) -> Channel:
        """Point a channel at a version. Raises DefinitionNotFound, DefinitionDeprecated and LimitReached."""
        ...

    async def delete_channel(self, tenant: str, name: str, channel: str, audit: AuditRow) -> None:
        """Delete a channel. Raises ChannelNotFound."""
        ...
