"""Definitions: those of tenants in PostgreSQL, and those that come with Archwright.

Built-in definitions are copied into a tenant's table when the tenant first has to do with them, and again by every
newer Archwright, so that what a workflow pinned is still there after an upgrade brought another.

What is published is known by its hash and never changes, so plans are kept in memory. Which version a channel points
at is asked anew each time, by one query for all who ask at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache

from sqlalchemy.ext.asyncio import AsyncConnection

from archwright import language
from archwright.errors import ChannelInUse, ChannelNotFound, DefinitionNotFound, DependencyUnavailable
from archwright.language.builtin import builtin_definitions
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.engine.domain.definitions import (
    LATEST,
    Channel,
    DefinitionVersion,
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
from services.engine.storage import definition_rows as rows
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database
from services.engine.storage.definition_rows import Wanted
from services.engine.storage.plans import PLANS
from services.engine.storage.shared_query import SharedQuery

_BUILT_IN_BY = "archwright"
_KNOWN_MAX = 50
_TENANTS_REMEMBERED_MAX = 10_000


class Catalogue:
    """The definitions of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: SharedQuery[Wanted, DefinitionVersion] = SharedQuery(self._find)
        # A large definition takes a second to compile, and several at once would only take turns.
        self._compiling = asyncio.Lock()
        self._installing = asyncio.Lock()
        self._have_built_in: set[str] = set()

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition by version or channel. Raises DefinitionNotFound."""
        if name in builtin_definitions():
            await self._install_built_in(tenant)
        found = await self._found.ask((tenant, name, version or LATEST))
        if found is None:
            raise await self._not_found(tenant, name, version)
        return PublishedDefinition(found, await self._plan(tenant, found))

    async def source(self, tenant: str, name: str, version: str) -> str:
        """Return the text of a version as it was published. Raises DefinitionNotFound."""
        async with self._database.tenant(tenant) as connection:
            source = await rows.source_of(connection, tenant, name, version)
        if source is None:
            raise await self._not_found(tenant, name, version)
        return source

    async def publish(
        self, tenant: str, source: str, user_id: str, audit: AuditRow, channels: Sequence[str] = ()
    ) -> PublishedDefinition:
        """Keep a definition and point channels at it, or do nothing.

        Raises DefinitionInvalid; DefinitionVersionTaken when it exists with other content; and what `set_channel`
        raises.
        """
        for channel in channels:
            require_channel(channel)
        plan = await asyncio.to_thread(_checked, source)
        name, version = plan.definition.name, plan.definition.version
        if name in builtin_definitions():
            await self._install_built_in(tenant)
        async with self._database.tenant(tenant) as connection:
            is_news = await _add(connection, tenant, plan, source, user_id, built_in=False)
            found = await rows.lock(connection, tenant, name, version)
            assert found is not None  # it was added, or there before; nobody removes any
            if found.content_hash != plan.content_hash:
                raise version_taken(found)
            for channel in dict.fromkeys(channels):
                is_news |= await _point(connection, tenant, channel, found, user_id)
            if is_news:
                await append_audit(connection, tenant, audit)
        return PublishedDefinition(found, PLANS.keep(plan.content_hash, plan))

    async def list(self, tenant: str, *, limit: int, after: str) -> Sequence[PublishedDefinition]:
        """Return each definition whose name sorts after `after`, by name: the latest version, or else the highest."""
        await self._install_built_in(tenant)
        async with self._database.tenant(tenant) as connection:
            versions = await rows.versions_by_name(connection, tenant, limit=limit, after=after)
        shown = [shown_of(versions[name]) for name in sorted(versions)]
        return [PublishedDefinition(each, await self._plan(tenant, each)) for each in shown]

    async def versions(self, tenant: str, name: str) -> Sequence[DefinitionVersion]:
        """Return all versions of a definition, the highest first. Raises DefinitionNotFound."""
        versions, channels = await self._about(tenant, name)
        return pointed_at(versions, channels)

    async def deprecate(
        self, tenant: str, name: str, version: str, note: str, user_id: str, audit: AuditRow
    ) -> DefinitionVersion:
        """Have new workflows follow a version no longer. Raises DefinitionNotFound and ChannelInUse."""
        async with self._changing(tenant, name, version) as (connection, found):
            for channel in await rows.channels_of(connection, tenant, name):
                if channel.version == version:
                    raise ChannelInUse.named(name, version, channel.name)
            if found.deprecation is None or found.deprecation.note != note:
                await rows.set_deprecation(connection, tenant, found, user_id, note)
                await append_audit(connection, tenant, audit)
        return await self._version(tenant, name, version)

    async def restore(self, tenant: str, name: str, version: str, audit: AuditRow) -> DefinitionVersion:
        """Take a deprecation back. Raises DefinitionNotFound."""
        async with self._changing(tenant, name, version) as (connection, found):
            if found.deprecation is not None:
                await rows.set_deprecation(connection, tenant, found, None, None)
                await append_audit(connection, tenant, audit)
        return await self._version(tenant, name, version)

    async def channels(self, tenant: str, name: str) -> Sequence[Channel]:
        """Return the channels of a definition by name, with `latest`. Raises DefinitionNotFound."""
        _, channels = await self._about(tenant, name)
        return channels

    async def set_channel(
        self, tenant: str, name: str, channel: str, version: str, user_id: str, audit: AuditRow
    ) -> Channel:
        """Point a channel at a version. Raises DefinitionNotFound, DefinitionDeprecated and LimitReached."""
        require_channel(channel)
        async with self._changing(tenant, name, version) as (connection, found):
            if await _point(connection, tenant, channel, found, user_id):
                await append_audit(connection, tenant, audit)
            channels = await rows.channels_of(connection, tenant, name)
        return next(each for each in channels if each.name == channel)

    async def delete_channel(self, tenant: str, name: str, channel: str, audit: AuditRow) -> None:
        """Delete a channel. Raises ChannelNotFound."""
        require_channel(channel)
        async with self._database.tenant(tenant) as connection:
            if not await rows.remove_channel(connection, tenant, name, channel):
                raise ChannelNotFound.named(name, channel)
            await append_audit(connection, tenant, audit)

    @asynccontextmanager
    async def _changing(
        self, tenant: str, name: str, version: str
    ) -> AsyncIterator[tuple[AsyncConnection, DefinitionVersion]]:
        """Hold a version that is to be changed. Raises DefinitionNotFound."""
        require_version(version)
        if name in builtin_definitions():
            await self._install_built_in(tenant)
        async with self._database.tenant(tenant) as connection:
            found = await rows.lock(connection, tenant, name, version)
            if found is not None:
                yield connection, found
        if found is None:
            raise await self._not_found(tenant, name, version)

    async def _about(self, tenant: str, name: str) -> tuple[Sequence[DefinitionVersion], Sequence[Channel]]:
        if name in builtin_definitions():
            await self._install_built_in(tenant)
        async with self._database.tenant(tenant) as connection:
            versions = await rows.versions_of(connection, tenant, name)
            channels = await rows.channels_of(connection, tenant, name)
        if not versions:
            raise await self._not_found(tenant, name, "")
        return versions, with_latest(channels, versions)

    async def _version(self, tenant: str, name: str, version: str) -> DefinitionVersion:
        return next(each for each in await self.versions(tenant, name) if each.version == version)

    async def _find(self, asked: Collection[Wanted]) -> Mapping[Wanted, DefinitionVersion]:
        try:
            async with self._database.asking() as connection:
                return await rows.find(connection, asked)
        except DependencyUnavailable:
            # The connection was kept open for long, and may have been dead: a fresh one knows.
            async with self._database.asking() as connection:
                return await rows.find(connection, asked)

    async def _plan(self, tenant: str, which: DefinitionVersion) -> Plan:
        plan = PLANS.find(which.content_hash)
        if plan is not None:
            return plan
        async with self._compiling:
            plan = PLANS.find(which.content_hash)
            if plan is not None:
                return plan
            source = await self.source(tenant, which.name, which.version)
            return await asyncio.to_thread(PLANS.of, which.content_hash, source)

    async def _install_built_in(self, tenant: str) -> None:
        """Have the tenant own the definitions that come with this Archwright; those that it has stay as they are."""
        if tenant in self._have_built_in:
            return
        async with self._installing:
            if tenant in self._have_built_in:
                return
            built_in = await asyncio.to_thread(_built_in)
            async with self._database.tenant(tenant) as connection:
                for plan, source in built_in:
                    await _add(connection, tenant, plan, source, _BUILT_IN_BY, built_in=True)
            if len(self._have_built_in) >= _TENANTS_REMEMBERED_MAX:
                self._have_built_in.clear()
            self._have_built_in.add(tenant)

    async def _not_found(self, tenant: str, name: str, wanted: str) -> DefinitionNotFound:
        async with self._database.tenant(tenant) as connection:
            versions = await rows.versions_of(connection, tenant, name)
            channels = await rows.channels_of(connection, tenant, name)
            known = () if versions else await rows.versions_by_name(connection, tenant, limit=_KNOWN_MAX, after="")
        return not_found(name, wanted, versions, channels, known=sorted({*known, *builtin_definitions()}))


@cache
def _built_in() -> Sequence[tuple[Plan, str]]:
    return [(_checked(source), source) for source in builtin_definitions().values()]


def _checked(source: str) -> Plan:
    return compile_plan(language.load(source))


async def _add(
    connection: AsyncConnection, tenant: str, plan: Plan, source: str, user_id: str, *, built_in: bool
) -> bool:
    return await rows.add(
        connection,
        tenant,
        name=plan.definition.name,
        version=plan.definition.version,
        content_hash=plan.content_hash,
        source=source,
        user_id=user_id,
        built_in=built_in,
    )


async def _point(connection: AsyncConnection, tenant: str, channel: str, at: DefinitionVersion, user_id: str) -> bool:
    require_startable(at)
    require_room(at.name, await rows.channels_of(connection, tenant, at.name), channel)
    return await rows.point(connection, tenant, channel, at, user_id)
