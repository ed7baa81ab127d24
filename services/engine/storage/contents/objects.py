"""The content of files in an object store: one that speaks S3, or a folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from archwright.errors import ArtifactDamaged, DependencyUnavailable
from services.engine.storage.contents.proven import proven_in, proven_out

log = structlog.get_logger(__name__)

_PART_BYTES: Final = 5 << 20  # S3 takes no smaller ones
_PARTS_AT_ONCE: Final = 2
_PIECE_BYTES: Final = 1 << 20
_ANSWER_SECONDS_MAX: Final = 15.0
_RETRY_SECONDS: Final = 5.0


class ObjectContents:
    """The content of files as objects, each named `tenant/sha256`."""

    def __init__(self, store: S3Store | LocalStore, *, place: str, folder: Path | None = None) -> None:
        """`place` is what messages and logs call the store; `folder` is where it is, if it is one."""
        self._store = store
        self._place = place
        self._folder = folder

    async def put(self, tenant: str, sha256: str, pieces: AsyncIterable[bytes]) -> int:
        """Keep a file, all of it or nothing, and return its size."""
        path, coming, begun = _path(tenant, sha256), _Counted(proven_in(sha256, pieces)), bytearray()
        async for piece in coming:
            begun += piece
            if len(begun) >= _PART_BYTES:
                break
        with self._told():
            if len(begun) < _PART_BYTES:
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    await obstore.put_async(self._store, path, begun, use_multipart=False)
            else:
                await obstore.put_async(
                    self._store,
                    path,
                    _joined(begun, coming),
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder / path)
        return coming.bytes

    def get(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        """Return a file in pieces, and the last of them only when the whole has proved right."""
        return proven_out(sha256, self._read(tenant, sha256))

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether there is a file under the hash."""
        try:
            with self._told(may_be_absent=True):
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    await obstore.head_async(self._store, _path(tenant, sha256))
        except FileNotFoundError:
            return False
        return True

    async def delete(self, tenant: str, sha256: str) -> None:
        """Remove a file, if it is there."""
        try:
            with self._told(may_be_absent=True):
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    await obstore.delete_async(self._store, _path(tenant, sha256))
        except FileNotFoundError:
            return

    async def _read(self, tenant: str, sha256: str) -> AsyncIterator[bytes]:
        try:
            with self._told(may_be_absent=True):
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    found = await obstore.get_async(self._store, _path(tenant, sha256))
        except FileNotFoundError:
            raise ArtifactDamaged.lost(sha256) from None
        stream = aiter(found.stream(min_chunk_size=_PIECE_BYTES))
        while True:
            with self._told():
                async with asyncio.timeout(_ANSWER_SECONDS_MAX):
                    piece = await anext(stream, None)
            if piece is None:
                return
            yield bytes(piece)

    @contextmanager
    def _told(self, *, may_be_absent: bool = False) -> Iterator[None]:
        """Raise DependencyUnavailable for all that a store refuses; where asked, let pass that an object is absent."""
        try:
            yield
        except (BaseError, OSError) as refused:
            if may_be_absent and isinstance(refused, FileNotFoundError) and "NoSuchBucket" not in str(refused):
                raise
            log.warning("artifact_store_refused", place=self._place, error=str(refused)[:500])
            raise DependencyUnavailable(
                f"The artifact store {self._place} did not do what was asked ({type(refused).__name__}); the "
                "engine's log has its answer. Operator: see ARCHWRIGHT_ARTIFACT_STORE, the store's credentials, "
                "permissions and space.",
                retry_after_seconds=_RETRY_SECONDS,
                facts={"dependency": "artifact_store", "place": self._place},
            ) from refused


class _Counted:
    """Pieces that are counted as they go by."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.bytes = 0

    def __aiter__(self) -> _Counted:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._pieces)
        self.bytes += len(piece)
        return piece


async def _joined(begun: bytearray, coming: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield bytes(begun)
    begun.clear()
    async for piece in coming:
        yield piece


def _path(tenant: str, sha256: str) -> str:
    """Return the object's name, in letters that every store and file system takes as they are."""
    escaped = quote(tenant, safe="").replace(".", "%2E").replace("~", "%7E").replace("%", "=")
    return f"{escaped}/{sha256}"


def _sync(file: Path) -> None:
    """Have the system write the file and its name to the disk, which renaming alone does not."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
