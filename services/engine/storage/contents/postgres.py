"""The content of files in PostgreSQL, in pieces, each of which is read by a question of its own."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from sqlalchemy import ColumnElement, delete, func, insert, select

from archwright.errors import ArtifactDamaged
from services.engine.storage.contents.proven import proven_in, proven_out
from services.engine.storage.database import Database
from services.engine.storage.tables import artifact_contents as contents

PIECE_BYTES = 1 << 20


class PostgresContents:
    """The content of files beside the workflows that made them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant: str, sha256: str, pieces: AsyncIterable[bytes]) -> int:
        """Keep a file, all of it or nothing, and return its size.

        It is gathered first, once: no connection waits for whoever sends it.
        """
        gathered = [piece async for piece in in_pieces_of(PIECE_BYTES, proven_in(sha256, pieces))]
        address = bytes.fromhex(sha256)
        async with self._database.tenant(tenant) as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(tenant + sha256, 0))))
            await connection.execute(delete(contents).where(_of(tenant, sha256)))
            for place, piece in enumerate(gathered):
                row = {"tenant_id": tenant, "sha256": address, "place": place, "piece": piece}
                await connection.execute(insert(contents).values(row))
        return sum(map(len, gathered))

    def get(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        """Return a file in pieces, and the last of them only when the whole has proved right."""
        return proven_out(sha256, self._read(tenant, sha256))

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether there is a file under the hash."""
        return await self._piece(tenant, sha256, 0) is not None

    async def delete(self, tenant: str, sha256: str) -> None:
        """Remove a file, if it is there."""
        async with self._database.tenant(tenant) as connection:
            await connection.execute(delete(contents).where(_of(tenant, sha256)))

    async def _read(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        place = 0
        while (piece := await self._piece(tenant, sha256, place)) is not None:
            yield piece
            place += 1
        if place == 0:
            raise ArtifactDamaged.lost(sha256)

    async def _piece(self, tenant: str, sha256: str, place: int) -> bytes | None:
        asked = select(contents.c.piece).where(_of(tenant, sha256), contents.c.place == place)
        async with self._database.tenant(tenant) as connection:
            piece: bytes | None = (await connection.execute(asked)).scalar_one_or_none()
        return piece


async def in_pieces_of(size: int, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the same content in pieces of one size; one that is empty, if there is none."""
    gathered, is_first = bytearray(), True
    async for piece in pieces:
        gathered += piece
        while len(gathered) >= size:
            yield bytes(gathered[:size])
            del gathered[:size]
            is_first = False
    if gathered or is_first:
        yield bytes(gathered)


def _of(tenant: str, sha256: str) -> ColumnElement[bool]:
    return (contents.c.tenant_id == tenant) & (contents.c.sha256 == bytes.fromhex(sha256))
