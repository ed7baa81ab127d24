"""Rows of definitions and of their channels: each question and each change, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.engine.domain.definitions import Channel, DefinitionVersion, Deprecation
from services.engine.storage.tables import definition_channels, definitions

Wanted: TypeAlias = tuple[str, str, str]
"""Tenant, name, and version or channel."""

_FIND = "SELECT * FROM engine.find_definitions($1, $2, $3, $4)"

# Never the text of a definition, which may be large.
_ABOUT_VERSIONS = [column for column in definitions.c if column.name != "source"]
# As Python sorts, whatever the database is set to.
_NAME = definitions.c.name.collate("C")


async def find(connection: asyncpg.Connection[Any], asked: Collection[Wanted]) -> Mapping[Wanted, DefinitionVersion]:
    """Return what is published under these versions and channels, in one round trip."""
    tenants, names, wanted = zip(*asked, strict=True)
    rows = await connection.fetch(_FIND, ",".join(sorted(set(tenants))), list(tenants), list(names), list(wanted))
    return {(row["tenant_id"], row["asked_name"], row["wanted"]): _version(row) for row in rows}


async def source_of(connection: AsyncConnection, tenant: str, name: str, version: str) -> str | None:
    """Return the text of a version."""
    asked = select(definitions.c.source).where(*_is(tenant, name, version))
    return (await connection.execute(asked)).scalar_one_or_none()


async def versions_of(connection: AsyncConnection, tenant: str, name: str) -> list[DefinitionVersion]:
    """Return all versions of a definition, in no order."""
    asked = select(*_ABOUT_VERSIONS).where(definitions.c.tenant_id == tenant, definitions.c.name == name)
    return [_version(row) for row in (await connection.execute(asked)).mappings()]


async def versions_by_name(
    connection: AsyncConnection, tenant: str, *, limit: int, after: str
) -> Mapping[str, Sequence[DefinitionVersion]]:
    """Return all versions of the definitions whose names come next after `after`."""
    of_tenant = definitions.c.tenant_id == tenant
    names = select(_NAME.label("name")).where(of_tenant, _NAME.op(">")(after))
    page = names.group_by(_NAME).order_by(_NAME).limit(limit)
    found: dict[str, list[DefinitionVersion]] = {}
    asked = select(*_ABOUT_VERSIONS).where(of_tenant, definitions.c.name.in_(page))
    for row in (await connection.execute(asked)).mappings():
        found.setdefault(row["name"], []).append(_version(row))
    return found


async def lock(connection: AsyncConnection, tenant: str, name: str, version: str) -> DefinitionVersion | None:
    """Return a version that nobody else changes, or points a channel at, before this transaction has ended."""
    asked = select(*_ABOUT_VERSIONS).where(*_is(tenant, name, version)).with_for_update()
    row = (await connection.execute(asked)).mappings().one_or_none()
    return None if row is None else _version(row)


async def add(
    connection: AsyncConnection,
    tenant: str,
    *,
    name: str,
    version: str,
    content_hash: str,
    source: str,
    user_id: str,
    built_in: bool,
) -> bool:
    """Add a version; return whether there was none of this name and number."""
    adding = insert(definitions).values(
        tenant_id=tenant,
        name=name,
        version=version,
        content_hash=content_hash,
        source=source,
        built_in=built_in,
        created_by=user_id,
    )
    return (await connection.execute(adding.on_conflict_do_nothing())).rowcount == 1


async def set_deprecation(
    connection: AsyncConnection, tenant: str, which: DefinitionVersion, user_id: str | None, note: str | None
) -> None:
    """Note who deprecated a version and why; None takes it back."""
    changes = {
        "deprecated_at": None if user_id is None else func.now(),
        "deprecated_by": user_id,
        "deprecated_note": note,
    }
    await connection.execute(update(definitions).where(*_is(tenant, which.name, which.version)).values(**changes))


async def channels_of(connection: AsyncConnection, tenant: str, name: str) -> list[Channel]:
    """Return the channels of a definition, in no order, without `latest`."""
    asked = select(definition_channels).where(
        definition_channels.c.tenant_id == tenant, definition_channels.c.name == name
    )
    return [
        Channel(row.name, row.channel, row.version, row.updated_at, row.updated_by)
        for row in await connection.execute(asked)
    ]


async def point(connection: AsyncConnection, tenant: str, channel: str, at: DefinitionVersion, user_id: str) -> bool:
    """Point a channel at a version; return whether it did not before."""
    setting = insert(definition_channels).values(
        tenant_id=tenant, name=at.name, channel=channel, version=at.version, updated_by=user_id
    )
    changed = setting.on_conflict_do_update(
        index_elements=["tenant_id", "name", "channel"],
        set_={"version": at.version, "updated_by": user_id, "updated_at": func.now()},
        where=definition_channels.c.version != at.version,
    )
    return (await connection.execute(changed)).rowcount == 1


async def remove_channel(connection: AsyncConnection, tenant: str, name: str, channel: str) -> bool:
    """Remove a channel; return whether it was there."""
    removing = delete(definition_channels).where(
        definition_channels.c.tenant_id == tenant,
        definition_channels.c.name == name,
        definition_channels.c.channel == channel,
    )
    return (await connection.execute(removing)).rowcount == 1


def _is(tenant: str, name: str, version: str) -> tuple[ColumnElement[bool], ...]:
    return definitions.c.tenant_id == tenant, definitions.c.name == name, definitions.c.version == version


def _version(row: asyncpg.Record | RowMapping) -> DefinitionVersion:
    deprecated_at = row["deprecated_at"]
    return DefinitionVersion(
        name=row["name"],
        version=row["version"],
        content_hash=row["content_hash"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        built_in=row["built_in"],
        deprecation=None
        if deprecated_at is None
        else Deprecation(deprecated_at, row["deprecated_by"], row["deprecated_note"]),
    )
