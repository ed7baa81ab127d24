"""How large files may be, and how many a workflow may have. Each refusal names the limit and the setting."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from archwright.errors import LimitReached, PayloadTooLarge
from services.engine.ports.artifacts import Total


@dataclass(frozen=True, slots=True)
class ArtifactLimits:
    """The limits, as the operator set them."""

    bytes_max: int = 32 << 20
    artifacts_per_workflow_max: int = 1_000
    bytes_per_workflow_max: int = 1 << 30

    def room(self, total: Total) -> Room:
        """Return what one more file may take; raises LimitReached when the workflow may have no more."""
        if total.artifacts >= self.artifacts_per_workflow_max:
            raise self._too_many()
        return Room(self, self.bytes_per_workflow_max - total.size_bytes)

    def require_room(self, total: Total) -> None:
        """Raise LimitReached when this is more than a workflow may have."""
        if total.artifacts > self.artifacts_per_workflow_max:
            raise self._too_many()
        if total.size_bytes > self.bytes_per_workflow_max:
            raise self.too_much()

    def too_large(self) -> PayloadTooLarge:
        """Refuse a file that is larger than one may be."""
        return PayloadTooLarge(
            f"The file is larger than {self.bytes_max:,} bytes, the limit for one. Split it, or have the operator "
            "raise ARCHWRIGHT_ARTIFACT_BYTES_MAX.",
            facts={"limit_bytes": str(self.bytes_max), "setting": "ARCHWRIGHT_ARTIFACT_BYTES_MAX"},
        )

    def too_much(self) -> LimitReached:
        """Refuse a file that would make those of the workflow larger than they may be together."""
        return LimitReached(
            f"The workflow's files would be larger than {self.bytes_per_workflow_max:,} bytes together, all versions "
            "counted. Have the operator raise ARCHWRIGHT_ARTIFACT_BYTES_PER_WORKFLOW_MAX.",
            facts={
                "limit_bytes": str(self.bytes_per_workflow_max),
                "setting": "ARCHWRIGHT_ARTIFACT_BYTES_PER_WORKFLOW_MAX",
            },
        )

    def _too_many(self) -> LimitReached:
        return LimitReached(
            f"A workflow may have {self.artifacts_per_workflow_max:,} files, all versions counted. Put several into "
            "one, or have the operator raise ARCHWRIGHT_ARTIFACTS_PER_WORKFLOW_MAX.",
            facts={
                "limit": str(self.artifacts_per_workflow_max),
                "setting": "ARCHWRIGHT_ARTIFACTS_PER_WORKFLOW_MAX",
            },
        )


@dataclass(frozen=True, slots=True)
class Room:
    """What one more file of a workflow may take."""

    limits: ArtifactLimits
    bytes_left: int

    async def taken_by(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Pass the pieces on; raises PayloadTooLarge or LimitReached when they are too many."""
        size = 0
        async for piece in pieces:
            size += len(piece)
            if size > self.limits.bytes_max:
                raise self.limits.too_large()
            if size > self.bytes_left:
                raise self.limits.too_much()
            yield piece
