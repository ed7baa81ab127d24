"""Where the content of files is. Content is found by its hash, and by nothing else.

To encrypt what is kept, wrap one of these: it sees the content before the hash of what is stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol


class Contents(Protocol):
    """The content of files, by tenant and SHA-256.

    Everything here raises DependencyUnavailable when the place does not answer or does not let us in.
    """

    async def put(self, tenant: str, sha256: str, pieces: AsyncIterable[bytes]) -> int:
        """Keep a file, all of it or nothing, and return its size; it is there for good when this returns.

        What was there before under the hash is replaced. Raises RequestInvalid when the pieces have another hash,
        and whatever the pieces raise; then nothing of them is left.
        """
        ...

    def get(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        """Return a file in pieces, and the last of them only when the whole has proved right.

        Holds nothing of the database between two pieces. Raises ArtifactDamaged when it is gone, or not what was put.
        """
        ...

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether there is a file under the hash."""
        ...

    async def delete(self, tenant: str, sha256: str) -> None:
        """Remove a file, if it is there."""
        ...
