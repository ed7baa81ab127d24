"""Serves ArtifactService."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from urllib.parse import unquote

from google.api import httpbody_pb2

from archwright import ids
from archwright.engine.v1 import artifacts_pb2 as pb
from archwright.errors import ArtifactNotFound, RequestInvalid, WorkflowNotFound
from archwright.serving.calls import Call
from services.engine.api.artifact_headers import headers
from services.engine.api.artifact_limits import ArtifactLimits
from services.engine.ports.artifacts import Artifacts, StoredArtifact
from services.engine.ports.contents import Contents
from services.engine.ports.history import History
from services.engine.ports.keys import Key
from services.engine.ports.task_board import TaskBoard

_PIECE_BYTES = 64 << 10
_PROVEN_AT_ONCE_BYTES = 1 << 20
_VERSION_MAX = 2**31 - 1
_READERS = frozenset({"viewer", "operator", "admin"})
"""Who may read all files of the tenant; an agent may not, its tenant may be everybody's."""
_DEFAULT_TYPE = "application/octet-stream"
_TYPE_CHARACTERS_MAX = 200
_SHA256_LETTERS = 64


class ArtifactApi:
    """Takes files from agents, and gives them to callers."""

    def __init__(
        self, artifacts: Artifacts, contents: Contents, limits: ArtifactLimits, history: History, board: TaskBoard
    ) -> None:
        self._artifacts = artifacts
        self._contents = contents
        self._limits = limits
        self._history = history
        self._board = board

    async def put_artifact(self, requests: AsyncIterator[pb.PutArtifactRequest], call: Call) -> pb.PutArtifactResponse:
        """Keep a file for the tenant whose workflow the agent works on."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise RequestInvalid("The first message must be the header.")
        header = first.header
        sha256, media_type = header.sha256, header.media_type or _DEFAULT_TYPE
        if len(sha256) != _SHA256_LETTERS or not set(sha256) <= set("0123456789abcdef"):
            raise RequestInvalid(f"The header's sha256 is {sha256[:80]!r}, which is no SHA-256 in hexadecimal.")
        if len(media_type) > _TYPE_CHARACTERS_MAX or not media_type.isascii() or not media_type.isprintable():
            raise RequestInvalid(f"The header's media_type is {media_type[:80]!r}: write one such as text/plain.")
        tenant = await self._tenant(header.workflow_id, call)
        room = self._limits.room(await self._artifacts.total(Key(tenant, header.workflow_id)))
        await self._artifacts.expect(tenant, sha256)
        size = await self._contents.put(tenant, sha256, room.taken_by(_content(requests)))
        await self._artifacts.keep(tenant, sha256, media_type, size)
        return pb.PutArtifactResponse(sha256=sha256, size_bytes=size)

    async def get_artifact(self, request: pb.GetArtifactRequest, call: Call) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Send a file; to an agent, only while it holds a task of the workflow."""
        if not 0 <= request.version <= _VERSION_MAX:
            raise RequestInvalid(f"The version is {request.version}: they count from 1, and 0 is the newest.")
        if call.caller.roles.isdisjoint(_READERS):
            key = Key(await self._tenant(request.workflow_id, call), request.workflow_id)
        else:
            key = await self._key(request.workflow_id, call)
        artifact = await self._find(key, request.name, request.version)
        pieces = self._contents.get(key.tenant, artifact.sha256)
        if artifact.size_bytes <= _PROVEN_AT_ONCE_BYTES:
            pieces = _all_of([piece async for piece in pieces])
        else:
            # Over REST nobody hears of what goes wrong after the first piece: it is looked through before.
            async for _ in pieces:
                pass
            pieces = self._contents.get(key.tenant, artifact.sha256)
        call.answer_headers.update(headers(artifact))
        async for piece in pieces:
            for start in range(0, max(len(piece), 1), _PIECE_BYTES):
                data = piece[start : start + _PIECE_BYTES]
                yield httpbody_pb2.HttpBody(content_type=artifact.media_type, data=data)

    async def list_artifacts(self, request: pb.ListArtifactsRequest, call: Call) -> pb.ListArtifactsResponse:
        """Return the files of a workflow."""
        key = await self._key(request.workflow_id, call)
        found = await self._artifacts.list(key, all_versions=request.versions)
        return pb.ListArtifactsResponse(artifacts=[_view(each) for each in found])

    async def _find(self, key: Key, name: str, version: int) -> StoredArtifact:
        found = await self._artifacts.find(key, name, version)
        if found is None and "%" in name:
            # The gateway leaves some characters of a path as they were encoded.
            found = await self._artifacts.find(key, unquote(name), version)
        if found is None:
            raise ArtifactNotFound.named(key.workflow_id, name, version)
        return found

    async def _key(self, workflow_id: str, call: Call) -> Key:
        key = Key(call.caller.tenant, workflow_id)
        _require_id(workflow_id)
        if await self._history.summary(key) is None:
            raise WorkflowNotFound.named(workflow_id)
        return key

    async def _tenant(self, workflow_id: str, call: Call) -> str:
        _require_id(workflow_id)
        tenant = await self._board.tenant_of_work(call.caller.tenant, call.caller.subject, workflow_id)
        if tenant is None:
            raise WorkflowNotFound.named(workflow_id)
        return tenant


async def _content(requests: AsyncIterator[pb.PutArtifactRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.content


async def _all_of(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _require_id(workflow_id: str) -> None:
    try:
        ids.read("wf", workflow_id)
    except ids.MalformedId:
        raise WorkflowNotFound.named(workflow_id) from None


def _view(artifact: StoredArtifact) -> pb.Artifact:
    view = pb.Artifact(
        name=artifact.name,
        sha256=artifact.sha256,
        size_bytes=artifact.size_bytes,
        media_type=artifact.media_type,
        task_id=artifact.task_id,
        version=artifact.version,
    )
    view.created_at.FromDatetime(artifact.created_at)
    return view
