"""The content of files, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from archwright.errors import ArtifactDamaged
from services.engine.storage.contents.proven import proven_in, proven_out
from services.engine.storage.memory.tables import Tables


class MemoryContents:
    """The content of files beside the workflows of the twin."""

    def __init__(self, tables: Tables) -> None:
        self._contents = tables.contents

    async def put(self, tenant: str, sha256: str, pieces: AsyncIterable[bytes]) -> int:
        """Keep a file, all of it or nothing, and return its size."""
        content = b"".join([piece async for piece in proven_in(sha256, pieces)])
        self._contents[tenant, sha256] = content
        return len(content)

    def get(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        """Return a file in pieces, and the last of them only when the whole has proved right."""
        return proven_out(sha256, self._read(tenant, sha256))

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether there is a file under the hash."""
        return (tenant, sha256) in self._contents

    async def delete(self, tenant: str, sha256: str) -> None:
        """Remove a file, if it is there."""
        self._contents.pop((tenant, sha256), None)

    async def _read(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        if (tenant, sha256) not in self._contents:
            raise ArtifactDamaged.lost(sha256)
        yield self._contents[tenant, sha256]
