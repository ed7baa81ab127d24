"""Puts a task's files into the artifact store, ahead of the result that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.artifacts_pb2 import ArtifactHeader, PutArtifactRequest
from archwright.errors import PayloadTooLarge

ARTIFACT_BYTES_MAX = 32 << 20
PIECE_BYTES = 64 << 10
PUT_SECONDS_MAX = 60.0


async def put(connection: Connection, workflow_id: str, content: bytes, media_type: str) -> str:
    """Put the file and return its SHA-256. Content decides its address, so putting it twice changes nothing.

    Raises PayloadTooLarge beyond 32 MiB, DependencyUnavailable when the engine does not answer.
    """
    if len(content) > ARTIFACT_BYTES_MAX:
        raise PayloadTooLarge(
            f"The artifact has {len(content):,} bytes; the limit is {ARTIFACT_BYTES_MAX:,}.",
            facts={"size_bytes": str(len(content)), "limit_bytes": str(ARTIFACT_BYTES_MAX)},
        )
    sha256 = hashlib.sha256(content).hexdigest()
    stub = stubs.artifacts(connection.channel)

    async def attempt(seconds_left: float) -> str:
        header = ArtifactHeader(workflow_id=workflow_id, sha256=sha256, media_type=media_type)
        pieces = _requests(header, content)
        put_response = await stub.PutArtifact(pieces, timeout=seconds_left, metadata=connection.metadata())
        return put_response.sha256

    return await connection.retried(attempt, seconds_max=PUT_SECONDS_MAX)


def _requests(header: ArtifactHeader, content: bytes) -> Iterator[PutArtifactRequest]:
    yield PutArtifactRequest(header=header)
    for start in range(0, len(content), PIECE_BYTES):
        yield PutArtifactRequest(content=content[start : start + PIECE_BYTES])
