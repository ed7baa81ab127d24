"""The files that tasks produce."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.engine.ports.keys import Key


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A named file of a workflow."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    task_id: str
    created_at: datetime


class Artifacts(Protocol):
    """Files that tasks produced, by the hash of their content."""

    async def put(self, tenant: str, sha256: str, media_type: str, content: bytes) -> None:
        """Keep a file; keeping it again only makes it young again for retention."""
        ...

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        ...

    async def get(self, key: Key, name: str) -> tuple[StoredArtifact, bytes] | None:
        """Return a file of a workflow, with its content."""
        ...

    async def list(self, key: Key) -> Sequence[StoredArtifact]:
        """Return the files of a workflow, by name."""
        ...
