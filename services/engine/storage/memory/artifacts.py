"""The files that tasks produce, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from services.engine.ports.artifacts import StoredArtifact
from services.engine.ports.keys import Key
from services.engine.storage.memory.tables import FileRow, Tables


class MemoryArtifacts:
    """The artifact store in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, tenant: str, sha256: str, media_type: str, content: bytes) -> None:
        """Keep a file; keeping it again only makes it young again for retention."""
        kept = self._tables.files.get((tenant, sha256), FileRow(media_type, content, self._tables.clock.now()))
        self._tables.files[tenant, sha256] = replace(kept, touched_at=self._tables.clock.now())

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        for key in ((tenant, sha256) for sha256 in sha256s):
            if key in self._tables.files:
                self._tables.files[key] = replace(self._tables.files[key], touched_at=self._tables.clock.now())
        return {sha256 for sha256 in sha256s if (tenant, sha256) not in self._tables.files}

    async def get(self, key: Key, name: str) -> tuple[StoredArtifact, bytes] | None:
        """Return a file of a workflow, with its content."""
        for stored in await self.list(key):
            if stored.name == name:
                return stored, self._tables.files[key.tenant, stored.sha256].content
        return None

    async def list(self, key: Key) -> Sequence[StoredArtifact]:
        """Return the files of a workflow, by name."""
        named = sorted((name, row) for (owner, name), row in self._tables.references.items() if owner == key)
        found = []
        for name, row in named:
            file = self._tables.files[key.tenant, row.sha256]
            size = len(file.content)
            found.append(StoredArtifact(name, row.sha256, size, file.media_type, row.task_id, row.created_at))
        return found
