"""What a function's words and files go to when it was called directly: whoever called."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence

from archwright.agents.v1.role_pb2 import RoleFile, RoleProgress, RoleUpdate
from archwright.errors import ArtifactNotFound
from archwright.sdk.frames import ArtifactReference, Failure, Result

PIECE_BYTES_MAX = 1 << 20


class Desk:
    """The port of one task: progress is told as it comes, files once the task is done."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[RoleUpdate | Result | Failure] = asyncio.Queue()
        """What nobody has heard of yet; the outcome comes last."""
        self.outcome: Result | Failure | None = None
        self._files: dict[str, tuple[bytes, str]] = {}

    def progress(self, percent: float, message: str) -> None:
        """Tell the caller how the task is getting on."""
        self.words.put_nowait(RoleUpdate(progress=RoleProgress(percent=percent, message=message)))

    def finish(self, outcome: Result | Failure) -> None:
        """Say how the task ended."""
        self.outcome = outcome
        self.words.put_nowait(outcome)

    async def chunk(self, part: bytes) -> None:
        """Drop the piece: whoever calls directly gets the whole output."""

    async def put_artifact(self, content: bytes, media_type: str) -> str:
        """Keep a file until the task is done, and return its SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._files[sha256] = content, media_type
        return sha256

    async def get_artifact(self, name: str) -> bytes:
        """Refuse: there is no workflow that could have files."""
        raise ArtifactNotFound(f"There is no file {name!r}: a role that is called directly has no workflow.")

    def files(self, references: Sequence[ArtifactReference]) -> Iterator[RoleUpdate]:
        """Yield the files that go with the result, in pieces."""
        for reference in references:
            content, media_type = self._files[reference.sha256]
            for offset in range(0, len(content) or 1, PIECE_BYTES_MAX):
                yield RoleUpdate(
                    file=RoleFile(
                        name=reference.name,
                        media_type=media_type,
                        size_bytes=len(content),
                        offset=offset,
                        content=content[offset : offset + PIECE_BYTES_MAX],
                    )
                )
