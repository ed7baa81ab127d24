"""Puts a task's files into the artifact store, ahead of the result that names them, and gets those of its workflow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from archwright import stubs
from archwright.connection import Connection
from archwright.engine.v1.artifacts_pb2 import ArtifactHeader, GetArtifactRequest, PutArtifactRequest
from archwright.errors import PayloadTooLarge
from archwright.sdk.replicas import Replicas

ARTIFACT_BYTES_MAX = 32 << 20
PIECE_BYTES = 64 << 10
CALL_SECONDS_MAX = 60.0


async def put(engine: Replicas, workflow_id: str, content: bytes, media_type: str) -> str:
    """Put the file and return its SHA-256. Content decides its address, so putting it twice changes nothing.

    Raises PayloadTooLarge beyond 32 MiB, DependencyUnavailable when the engine does not answer.
    """
    if len(content) > ARTIFACT_BYTES_MAX:
        raise PayloadTooLarge(
            f"The artifact has {len(content):,} bytes; the limit is {ARTIFACT_BYTES_MAX:,}.",
            facts={"size_bytes": str(len(content)), "limit_bytes": str(ARTIFACT_BYTES_MAX)},
        )
    sha256 = hashlib.sha256(content).hexdigest()

    async def attempt(connection: Connection, seconds_left: float) -> str:
        header = ArtifactHeader(workflow_id=workflow_id, sha256=sha256, media_type=media_type)
        put_response = await stubs.artifacts(connection.channel).PutArtifact(
            _requests(header, content), timeout=seconds_left, metadata=connection.metadata()
        )
        return put_response.sha256

    return await engine.call(attempt, seconds_max=CALL_SECONDS_MAX)


async def get(engine: Replicas, workflow_id: str, name: str) -> bytes:
    """Return a file of a workflow that the agent holds a task of.

    Raises ArtifactNotFound, WorkflowNotFound when the task is the agent's no longer, and DependencyUnavailable when
    the engine does not answer.
    """
    request = GetArtifactRequest(workflow_id=workflow_id, name=name)

    async def attempt(connection: Connection, seconds_left: float) -> bytes:
        pieces = stubs.artifacts(connection.channel).GetArtifact(
            request, timeout=seconds_left, metadata=connection.metadata()
        )
        return b"".join([piece.data async for piece in pieces])

    return await engine.call(attempt, seconds_max=CALL_SECONDS_MAX)


def _requests(header: ArtifactHeader, content: bytes) -> Iterator[PutArtifactRequest]:
    yield PutArtifactRequest(header=header)
    for start in range(0, len(content), PIECE_BYTES):
        yield PutArtifactRequest(content=content[start : start + PIECE_BYTES])
