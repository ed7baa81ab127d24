"""Which files a tenant has, and what its workflows call them. Where their content is, `ports.contents` says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archwright.errors import DependencyUnavailable
from services.engine.ports.keys import Key

_REMOVAL_SECONDS = 5.0


class BeingRemoved(DependencyUnavailable):
    """Content is being removed just now, so that the same cannot be kept."""

    @classmethod
    def of(cls, sha256: str) -> BeingRemoved:
        """Name the content, and when to send it again."""
        return cls(
            f"Old content with SHA-256 {sha256} is just being removed; send it again in a moment.",
            retry_after_seconds=_REMOVAL_SECONDS,
            facts={"dependency": "artifact_store", "sha256": sha256},
        )


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A version of a named file of a workflow."""

    name: str
    version: int
    """From 1; a name that is made again with other content has one more."""
    sha256: str
    size_bytes: int
    media_type: str
    task_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """How many files there are, all versions counted, and how many bytes."""

    artifacts: int
    size_bytes: int


class Artifacts(Protocol):
    """The files of tenants, by the hash of their content, and of workflows, by name and version."""

    async def expect(self, tenant: str, sha256: str) -> None:
        """Note that the content is about to come. From now on nobody removes it for as long as retention says.

        Raises BeingRemoved while the same content is being removed.
        """
        ...

    async def keep(self, tenant: str, sha256: str, media_type: str, size_bytes: int) -> None:
        """Note that the content is in its place for good; raises as `expect` does."""
        ...

    async def missing(self, tenant: str, sha256s: Collection[str]) -> Collection[str]:
        """Return those of the hashes under which nothing is kept; what is kept becomes young again for retention."""
        ...

    async def total(self, key: Key, adding: Collection[str] = ()) -> Total:
        """Return what a workflow has, together with the files of its tenant that are about to be added."""
        ...

    async def find(self, key: Key, name: str, version: int = 0) -> StoredArtifact | None:
        """Return a version of a file of a workflow; 0 is the newest."""
        ...

    async def list(self, key: Key, *, all_versions: bool = False) -> Sequence[StoredArtifact]:
        """Return the files of a workflow by name: the newest version of each, or all of them, the newest first."""
        ...
