"""Definitions in memory: the twin of those in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from archwright import language
from archwright.errors import ChannelInUse, ChannelNotFound, DefinitionNotFound
from archwright.language.builtin import builtin_definitions
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.chassis.clock import Clock
from services.engine.domain.definitions import (
    LATEST,
    Channel,
    DefinitionVersion,
    Deprecation,
    latest_of,
    not_found,
    pointed_at,
    require_channel,
    require_room,
    require_startable,
    require_version,
    shown_of,
    version_taken,
    with_latest,
)
from services.engine.ports.definitions import PublishedDefinition
from services.engine.ports.keys import AuditRow


@dataclass(slots=True)
class _Row:
    """A version, its text and its plan."""

    published: DefinitionVersion
    source: str
    plan: Plan


@dataclass(slots=True)
class _Tenant:
    """What one tenant has."""

    rows: dict[tuple[str, str], _Row] = field(default_factory=dict)
    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)

    def versions(self, name: str) -> list[DefinitionVersion]:
        return [row.published for (of, _), row in self.rows.items() if of == name]

    def channels_of(self, name: str) -> list[Channel]:
        return [channel for (of, _), channel in self.channels.items() if of == name]


class MemoryCatalogue:
    """The definitions of all tenants."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self.audit: list[tuple[str, AuditRow]] = []
        """With the tenant of each."""

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition by version or channel. Raises DefinitionNotFound."""
        found = self._find(tenant, name, version or LATEST)
        if found is None:
            raise self._not_found(tenant, name, version)
        return PublishedDefinition(found.published, found.plan)

    async def source(self, tenant: str, name: str, version: str) -> str:
        """Return the text of a version as it was published. Raises DefinitionNotFound."""
        found = self._of(tenant).rows.get((name, version))
        if found is None:
            raise self._not_found(tenant, name, version)
        return found.source

    async def publish(
        self, tenant: str, source: str, user_id: str, audit: AuditRow, channels: Sequence[str] = ()
    ) -> PublishedDefinition:
        """Keep a definition and point channels at it, or do nothing.

        Raises DefinitionInvalid; DefinitionVersionTaken when it exists with other content; and what `set_channel`
        raises.
        """
        for channel in channels:
            require_channel(channel)
        plan = compile_plan(language.load(source))
        owned = self._of(tenant)
        found = owned.rows.get((plan.definition.name, plan.definition.version))
        row = found or self._row(plan, source, user_id, built_in=False)
        if row.published.content_hash != plan.content_hash:
            raise version_taken(row.published)
        wanted = {channel: owned.channels.get((row.published.name, channel)) for channel in channels}
        moved = [name for name, now in wanted.items() if now is None or now.version != row.published.version]
        room = owned.channels_of(row.published.name)
        for channel in wanted:
            require_startable(row.published)
            require_room(row.published.name, room, channel)
            room.append(Channel(row.published.name, channel, row.published.version))
        owned.rows[row.published.name, row.published.version] = row
        for channel in moved:
            self._point(owned, channel, row.published, user_id)
        if found is None or moved:
            self.audit.append((tenant, audit))
        return PublishedDefinition(row.published, row.plan)

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[PublishedDefinition]:
        """Return each definition whose name sorts after `after`, by name: the latest version, or else the highest."""
        owned = self._of(tenant)
        names = sorted({name for name, _ in owned.rows if name > after})[:limit]
        shown = [owned.rows[name, shown_of(owned.versions(name)).version] for name in names]
        return [PublishedDefinition(row.published, row.plan) for row in shown]

    async def versions(self, tenant: str, name: str) -> Sequence[DefinitionVersion]:
        """Return all versions of a definition, the highest first. Raises DefinitionNotFound."""
        versions = self._of(tenant).versions(name)
        return pointed_at(versions, await self.channels(tenant, name))

    async def deprecate(
        self, tenant: str, name: str, version: str, note: str, user_id: str, audit: AuditRow
    ) -> DefinitionVersion:
        """Have new workflows follow a version no longer. Raises DefinitionNotFound and ChannelInUse."""
        row = self._required(tenant, name, version)
        for channel in self._of(tenant).channels_of(name):
            if channel.version == version:
                raise ChannelInUse.named(name, version, channel.name)
        if row.published.deprecation is None or row.published.deprecation.note != note:
            row.published = replace(row.published, deprecation=Deprecation(self._clock.now(), user_id, note))
            self.audit.append((tenant, audit))
        return await self._version(tenant, name, version)

    async def restore(self, tenant: str, name: str, version: str, audit: AuditRow) -> DefinitionVersion:
        """Take a deprecation back. Raises DefinitionNotFound."""
        row = self._required(tenant, name, version)
        if row.published.deprecation is not None:
            row.published = replace(row.published, deprecation=None)
            self.audit.append((tenant, audit))
        return await self._version(tenant, name, version)

    async def channels(self, tenant: str, name: str) -> Sequence[Channel]:
        """Return the channels of a definition by name, with `latest`. Raises DefinitionNotFound."""
        owned = self._of(tenant)
        versions = owned.versions(name)
        if not versions:
            raise self._not_found(tenant, name, "")
        return with_latest(owned.channels_of(name), versions)

    async def set_channel(
        self, tenant: str, name: str, channel: str, version: str, user_id: str, audit: AuditRow
    ) -> Channel:
        """Point a channel at a version. Raises DefinitionNotFound, DefinitionDeprecated and LimitReached."""
        require_channel(channel)
        row, owned = self._required(tenant, name, version), self._of(tenant)
        require_startable(row.published)
        require_room(name, owned.channels_of(name), channel)
        now = owned.channels.get((name, channel))
        if now is None or now.version != version:
            self._point(owned, channel, row.published, user_id)
            self.audit.append((tenant, audit))
        return owned.channels[name, channel]

    async def delete_channel(self, tenant: str, name: str, channel: str, audit: AuditRow) -> None:
        """Delete a channel. Raises ChannelNotFound."""
        require_channel(channel)
        if self._of(tenant).channels.pop((name, channel), None) is None:
            raise ChannelNotFound.named(name, channel)
        self.audit.append((tenant, audit))

    def _of(self, tenant: str) -> _Tenant:
        """Return what a tenant has, the definitions that come with Archwright among it."""
        if tenant not in self._tenants:
            owned = self._tenants[tenant] = _Tenant()
            for source in builtin_definitions().values():
                row = self._row(compile_plan(language.load(source)), source, "archwright", built_in=True)
                owned.rows[row.published.name, row.published.version] = row
        return self._tenants[tenant]

    def _row(self, plan: Plan, source: str, user_id: str, *, built_in: bool) -> _Row:
        published = DefinitionVersion(
            name=plan.definition.name,
            version=plan.definition.version,
            content_hash=plan.content_hash,
            created_at=self._clock.now(),
            created_by=user_id,
            built_in=built_in,
        )
        return _Row(published, source, plan)

    def _find(self, tenant: str, name: str, wanted: str) -> _Row | None:
        owned = self._of(tenant)
        if wanted == LATEST:
            latest = latest_of(owned.versions(name))
            return None if latest is None else owned.rows[name, latest.version]
        channel = owned.channels.get((name, wanted))
        return owned.rows.get((name, wanted if channel is None else channel.version))

    def _required(self, tenant: str, name: str, version: str) -> _Row:
        require_version(version)
        row = self._of(tenant).rows.get((name, version))
        if row is None:
            raise self._not_found(tenant, name, version)
        return row

    async def _version(self, tenant: str, name: str, version: str) -> DefinitionVersion:
        return next(each for each in await self.versions(tenant, name) if each.version == version)

    def _point(self, owned: _Tenant, channel: str, at: DefinitionVersion, user_id: str) -> None:
        owned.channels[at.name, channel] = Channel(at.name, channel, at.version, self._clock.now(), user_id)

    def _not_found(self, tenant: str, name: str, wanted: str) -> DefinitionNotFound:
        owned = self._of(tenant)
        known = sorted({known for known, _ in owned.rows})
        return not_found(name, wanted, owned.versions(name), owned.channels_of(name), known)
