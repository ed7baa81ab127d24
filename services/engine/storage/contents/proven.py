"""Content that is held against its hash, on the way in and on the way out."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator

from archwright.errors import ArtifactDamaged, RequestInvalid


async def proven_in(sha256: str, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Pass the pieces on; raises RequestInvalid in place of the end when they have another hash."""
    digest = hashlib.sha256()
    async for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise RequestInvalid(
            f"The content's SHA-256 is {digest.hexdigest()}, and the header says {sha256[:80]!r}. Send it again.",
            facts={"sha256": digest.hexdigest()},
        )


async def proven_out(sha256: str, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Pass the pieces on, the last only when the hash is right; raises ArtifactDamaged in its place otherwise."""
    digest, held = hashlib.sha256(), b""
    async for piece in pieces:
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest() != sha256:
        raise ArtifactDamaged.changed(sha256)
    yield held
