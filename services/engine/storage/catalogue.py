"""Definitions: those of tenants in PostgreSQL, and those that come with Archwright.

A built-in definition is copied into a tenant's table the first time it is used, so that what a workflow
pinned is still there after an upgrade brought another.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import Insert, insert

from archwright import language
from archwright.errors import DefinitionNotFound, DefinitionVersionTaken
from archwright.language.builtin import builtin_definitions
from archwright.language.parse import parse
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.engine.ports.definitions import PublishedDefinition
from services.engine.ports.keys import AuditRow
from services.engine.storage.audit import append_audit
from services.engine.storage.database import Database
from services.engine.storage.tables import definitions

_PLANS_MAX = 2_000


class Catalogue:
    """The definitions of all tenants, compiled once each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, name: str, version: str = "") -> PublishedDefinition:
        """Return a definition; the newest when no version is named. Raises DefinitionNotFound."""
        found = await self._find(tenant, name, version)
        if found is None and name in builtin_definitions():
            await self._install(tenant, name)
            found = await self._find(tenant, name, version)
        if found is None:
            known = {each.name for each in await self.list(tenant, limit=50, after="")}
            raise DefinitionNotFound.named(name, version, known=sorted(known))
        return found

    async def publish(self, tenant: str, source: str, user_id: str, audit: AuditRow) -> PublishedDefinition:
        """Keep a definition. Raises DefinitionInvalid, or DefinitionVersionTaken when it exists with other content."""
        plan = await asyncio.to_thread(_checked, source)
        definition = plan.definition
        if definition.name in builtin_definitions():
            await self.get(tenant, definition.name)
        async with self._database.tenant(tenant) as connection:
            added = await connection.execute(_insert(tenant, plan, source, user_id, built_in=False))
            if added.rowcount:
                await append_audit(connection, tenant, audit)
        found = await self._find(tenant, definition.name, definition.version)
        if found is None or found.content_hash != plan.content_hash:
            raise DefinitionVersionTaken(
                f"Version {definition.version} of {definition.name!r} is published with other content. "
                "A published version never changes: give this one a new version.",
                facts={"definition_name": definition.name, "definition_version": definition.version},
            )
        return found

    async def list(self, tenant: str, *, limit: int, after: str) -> list[PublishedDefinition]:
        """Return the newest version of each definition whose name sorts after `after`."""
        async with self._database.tenant(tenant) as connection:
            rows = await connection.execute(
                select(definitions).where(definitions.c.tenant_id == tenant, definitions.c.name > after)
            )
            newest: dict[str, PublishedDefinition] = {}
            for row in rows:
                found = _published(row)
                known = newest.get(found.name)
                if known is None or _order(found.version) > _order(known.version):
                    newest[found.name] = found
        for name, source in builtin_definitions().items():
            if name > after and name not in newest:
                plan = plan_of(source)
                newest[name] = PublishedDefinition(
                    name=name,
                    version=plan.definition.version,
                    content_hash=plan.content_hash,
                    source=source,
                    plan=plan,
                    created_at=None,
                    created_by="archwright",
                    built_in=True,
                )
        return [newest[name] for name in sorted(newest)[:limit]]

    async def _find(self, tenant: str, name: str, version: str) -> PublishedDefinition | None:
        asked = select(definitions).where(definitions.c.tenant_id == tenant, definitions.c.name == name)
        if version:
            asked = asked.where(definitions.c.version == version)
        async with self._database.tenant(tenant) as connection:
            rows = list(await connection.execute(asked))
        if not rows:
            return None
        return _published(max(rows, key=lambda row: _order(row.version)))

    async def _install(self, tenant: str, name: str) -> None:
        source = builtin_definitions()[name]
        plan = plan_of(source)
        async with self._database.tenant(tenant) as connection:
            await connection.execute(_insert(tenant, plan, source, "archwright", built_in=True))


@lru_cache(maxsize=_PLANS_MAX)
def plan_of(source: str) -> Plan:
    """Return the plan of a text that was published: it was checked then, by the rules of that time."""
    return compile_plan(parse(source))


def _checked(source: str) -> Plan:
    return compile_plan(language.load(source))


def _published(row: Row[Any]) -> PublishedDefinition:
    return PublishedDefinition(
        name=row.name,
        version=row.version,
        content_hash=row.content_hash,
        source=row.source,
        plan=plan_of(row.source),
        created_at=row.created_at,
        created_by=row.created_by,
        built_in=row.built_in,
    )


def _insert(tenant: str, plan: Plan, source: str, user_id: str, *, built_in: bool) -> Insert:
    return (
        insert(definitions)
        .values(
            tenant_id=tenant,
            name=plan.definition.name,
            version=plan.definition.version,
            content_hash=plan.content_hash,
            source=source,
            built_in=built_in,
            created_by=user_id,
        )
        .on_conflict_do_nothing()
    )


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Return what a semantic version sorts by; a pre-release goes before its release."""
    numbers, _, pre_release = version.partition("+")[0].partition("-")
    return tuple(int(number) for number in numbers.split(".")), not pre_release, pre_release
