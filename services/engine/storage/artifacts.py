"""Files that tasks produced, in PostgreSQL, by the hash of their content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from archwright import ids
from services.engine.ports.artifacts import StoredArtifact
from services.engine.ports.keys import Key
from services.engine.storage.database import Database
from services.engine.storage.tables import artifact_references, artifacts

_LISTED = (
    artifact_references.c.name,
    artifact_references.c.sha256,
    artifact_references.c.task_id,
    artifact_references.c.created_at,
    artifacts.c.size_bytes,
    artifacts.c.media_type,
)


class ArtifactStore:
    """The artifact store in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant: str, sha256: str, media_type: str, content: bytes) -> None:
        """Keep a file; keeping it again only makes it young again for retention."""
        kept = insert(artifacts).values(
            tenant_id=tenant,
            sha256=bytes.fromhex(sha256),
            size_bytes=len(content),
            media_type=media_type,
            content=content,
        )
        async with self._database.tenant(tenant) as connection:
            await connection.execute(
                kept.on_conflict_do_update(
                    index_elements=[artifacts.c.tenant_id, artifacts.c.sha256], set_={"touched_at": func.now()}
                )
            )

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        touched = (
            update(artifacts)
            .where(artifacts.c.tenant_id == tenant, artifacts.c.sha256.in_([bytes.fromhex(each) for each in sha256s]))
            .values(touched_at=func.now())
            .returning(artifacts.c.sha256)
        )
        async with self._database.tenant(tenant) as connection:
            kept = {row.sha256.hex() for row in await connection.execute(touched)}
        return set(sha256s) - kept

    async def get(self, key: Key, name: str) -> tuple[StoredArtifact, bytes] | None:
        """Return a file of a workflow, with its content."""
        async with self._database.tenant(key.tenant) as connection:
            row = (
                await connection.execute(
                    _of(key, *_LISTED, artifacts.c.content).where(artifact_references.c.name == name)
                )
            ).one_or_none()
        return None if row is None else (_artifact(row), row.content)

    async def list(self, key: Key) -> Sequence[StoredArtifact]:
        """Return the files of a workflow, by name."""
        async with self._database.tenant(key.tenant) as connection:
            rows = await connection.execute(_of(key, *_LISTED).order_by(artifact_references.c.name))
            return [_artifact(row) for row in rows]


def _of(key: Key, *columns: Any) -> Any:
    return (
        select(*columns)
        .join(
            artifacts,
            (artifacts.c.tenant_id == artifact_references.c.tenant_id)
            & (artifacts.c.sha256 == artifact_references.c.sha256),
        )
        .where(
            artifact_references.c.tenant_id == key.tenant,
            artifact_references.c.workflow_id == ids.read("wf", key.workflow_id),
        )
    )


def _artifact(row: Row[Any]) -> StoredArtifact:
    return StoredArtifact(
        name=row.name,
        sha256=row.sha256.hex(),
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        task_id=ids.show("task", row.task_id),
        created_at=row.created_at,
    )
