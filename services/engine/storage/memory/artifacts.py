"""Which files tenants and workflows have, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from services.engine.ports.artifacts import BeingRemoved, StoredArtifact, Total
from services.engine.ports.keys import Key
from services.engine.storage.memory.tables import FileRow, Tables


class MemoryArtifacts:
    """The files of tenants and workflows in memory."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def expect(self, tenant: str, sha256: str) -> None:
        """Note that the content is about to come; raises BeingRemoved."""
        now = self._tables.clock.now()
        kept = self._tables.files.get((tenant, sha256), FileRow("", 0, now, "arriving"))
        self._require_stays(kept, sha256)
        self._tables.files[tenant, sha256] = replace(kept, touched_at=now)

    async def keep(self, tenant: str, sha256: str, media_type: str, size_bytes: int) -> None:
        """Note that the content is in its place for good; raises BeingRemoved."""
        if kept := self._tables.files.get((tenant, sha256)):
            self._require_stays(kept, sha256)
        now = self._tables.clock.now()
        self._tables.files[tenant, sha256] = FileRow(media_type, size_bytes, now, "kept")

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        files, now = self._tables.files, self._tables.clock.now()
        kept = {each for each in sha256s if (tenant, each) in files and files[tenant, each].stage == "kept"}
        for each in kept:
            files[tenant, each] = replace(files[tenant, each], touched_at=now)
        return set(sha256s) - kept

    async def total(self, key: Key, adding: Collection[str] = ()) -> Total:
        """Return what a workflow has, together with the files of its tenant that are about to be added."""
        named = [row.sha256 for (of, _), rows in self._tables.references.items() if of == key for row in rows]
        sizes = [self._tables.files[key.tenant, each].size_bytes for each in (*named, *adding)]
        return Total(len(sizes), sum(sizes))

    async def find(self, key: Key, name: str, version: int = 0) -> StoredArtifact | None:
        """Return a version of a file of a workflow; 0 is the newest."""
        versions = [each for each in await self.list(key, all_versions=True) if each.name == name]
        return next((each for each in versions if version in (0, each.version)), None)

    async def list(self, key: Key, *, all_versions: bool = False) -> Sequence[StoredArtifact]:
        """Return the files of a workflow by name: the newest version of each, or all of them, the newest first."""
        found = []
        for name, rows in sorted((name, rows) for (of, name), rows in self._tables.references.items() if of == key):
            numbered = list(enumerate(rows, start=1))[::-1]
            for version, row in numbered if all_versions else numbered[:1]:
                file = self._tables.files[key.tenant, row.sha256]
                found.append(
                    StoredArtifact(
                        *(name, version, row.sha256, file.size_bytes, file.media_type, row.task_id, row.created_at)
                    )
                )
        return found

    def _require_stays(self, file: FileRow, sha256: str) -> None:
        if file.stage == "removing":
            raise BeingRemoved.of(sha256)
