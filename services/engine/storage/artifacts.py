"""Which files tenants and workflows have, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from archwright import ids
from services.engine.ports.artifacts import BeingRemoved, StoredArtifact, Total
from services.engine.ports.keys import Key
from services.engine.storage.database import Database
from services.engine.storage.tables import artifact_references as references
from services.engine.storage.tables import artifacts

_LISTED = (
    references.c.name,
    references.c.version,
    references.c.sha256,
    references.c.task_id,
    references.c.created_at,
    artifacts.c.size_bytes,
    artifacts.c.media_type,
)


class PostgresArtifacts:
    """The files of tenants and workflows in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expect(self, tenant: str, sha256: str) -> None:
        """Note that the content is about to come; raises BeingRemoved."""
        await self._note(tenant, sha256, {"size_bytes": 0, "media_type": "", "stage": "arriving"}, changed={})

    async def keep(self, tenant: str, sha256: str, media_type: str, size_bytes: int) -> None:
        """Note that the content is in its place for good; raises BeingRemoved."""
        kept = {"size_bytes": size_bytes, "media_type": media_type, "stage": "kept"}
        await self._note(tenant, sha256, kept, changed=kept)

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        touched = (
            update(artifacts)
            .where(_among(tenant, sha256s), artifacts.c.stage == "kept")
            .values(touched_at=func.now())
            .returning(artifacts.c.sha256)
        )
        async with self._database.tenant(tenant) as connection:
            kept = {row.sha256.hex() for row in await connection.execute(touched)}
        return set(sha256s) - kept

    async def total(self, key: Key, adding: Collection[str] = ()) -> Total:
        """Return what a workflow has, together with the files of its tenant that are about to be added."""
        counted = (func.count(), func.coalesce(func.sum(artifacts.c.size_bytes), 0))
        async with self._database.tenant(key.tenant) as connection:
            has = (await connection.execute(_of(key, *counted))).one()
            new = (await connection.execute(select(*counted).where(_among(key.tenant, adding)))).one()
        return Total(has[0] + new[0], int(has[1] + new[1]))

    async def find(self, key: Key, name: str, version: int = 0) -> StoredArtifact | None:
        """Return a version of a file of a workflow; 0 is the newest."""
        asked = _of(key, *_LISTED).where(references.c.name == name).order_by(references.c.version.desc()).limit(1)
        if version:
            asked = asked.where(references.c.version == version)
        async with self._database.tenant(key.tenant) as connection:
            row = (await connection.execute(asked)).one_or_none()
        return None if row is None else _artifact(row)

    async def list(self, key: Key, *, all_versions: bool = False) -> Sequence[StoredArtifact]:
        """Return the files of a workflow by name: the newest version of each, or all of them, the newest first."""
        asked = _of(key, *_LISTED).order_by(references.c.name, references.c.version.desc())
        if not all_versions:
            asked = asked.ext(distinct_on(references.c.name))
        async with self._database.tenant(key.tenant) as connection:
            rows = await connection.execute(asked)
            # In the order of the letters' numbers, whatever language the database sorts in.
            return sorted(map(_artifact, rows), key=lambda each: each.name)

    async def _note(self, tenant: str, sha256: str, new: dict[str, Any], *, changed: dict[str, Any]) -> None:
        noted = insert(artifacts).values(tenant_id=tenant, sha256=bytes.fromhex(sha256), **new)
        noted = noted.on_conflict_do_update(
            index_elements=[artifacts.c.tenant_id, artifacts.c.sha256],
            set_={**changed, "touched_at": func.now()},
            where=artifacts.c.stage != "removing",
        )
        async with self._database.tenant(tenant) as connection:
            stays = (await connection.execute(noted.returning(artifacts.c.sha256))).one_or_none()
        if stays is None:
            raise BeingRemoved.of(sha256)


def _among(tenant: str, sha256s: Collection[str]) -> Any:
    return (artifacts.c.tenant_id == tenant) & artifacts.c.sha256.in_([bytes.fromhex(each) for each in sha256s])


def _of(key: Key, *columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(references)
        .join(
            artifacts,
            (artifacts.c.tenant_id == references.c.tenant_id) & (artifacts.c.sha256 == references.c.sha256),
        )
        .where(
            references.c.tenant_id == key.tenant,
            references.c.workflow_id == ids.read("wf", key.workflow_id),
        )
    )


def _artifact(row: Row[Any]) -> StoredArtifact:
    return StoredArtifact(
        name=row.name,
        version=row.version,
        sha256=row.sha256.hex(),
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        task_id=ids.show("task", row.task_id),
        created_at=row.created_at,
    )
