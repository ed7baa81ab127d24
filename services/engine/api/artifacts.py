"""Serves ArtifactService."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from google.api import httpbody_pb2

from archwright import ids
from archwright.engine.v1 import artifacts_pb2 as pb
from archwright.errors import ArtifactNotFound, PayloadTooLarge, RequestInvalid, WorkflowNotFound
from archwright.serving.calls import Call
from services.engine.ports.artifacts import Artifacts, StoredArtifact
from services.engine.ports.history import History
from services.engine.ports.keys import Key
from services.engine.ports.task_board import TaskBoard

_BYTES_MAX = 32 << 20
_PIECE_BYTES = 64 << 10
_READERS = frozenset({"viewer", "operator", "admin"})
"""Who may read all files of the tenant; an agent may not, its tenant may be everybody's."""
_DEFAULT_TYPE = "application/octet-stream"


class ArtifactApi:
    """Takes files from agents, and gives them to callers."""

    def __init__(self, artifacts: Artifacts, history: History, board: TaskBoard) -> None:
        self._artifacts = artifacts
        self._history = history
        self._board = board

    async def put_artifact(self, requests: AsyncIterator[pb.PutArtifactRequest], call: Call) -> pb.PutArtifactResponse:
        """Keep a file for the tenant whose workflow the agent works on."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise RequestInvalid("The first message must be the header.")
        header = first.header
        tenant = await self._tenant(header.workflow_id, call)
        content = bytearray()
        async for request in requests:
            content += request.content
            if len(content) > _BYTES_MAX:
                raise PayloadTooLarge(f"The file is larger than {_BYTES_MAX >> 20} MiB.")
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 != header.sha256:
            raise RequestInvalid(
                f"The content's SHA-256 is {sha256}, and the header says {header.sha256[:80]!r}. Send it again.",
                facts={"sha256": sha256},
            )
        await self._artifacts.put(tenant, sha256, header.media_type or _DEFAULT_TYPE, bytes(content))
        return pb.PutArtifactResponse(sha256=sha256, size_bytes=len(content))

    async def get_artifact(self, request: pb.GetArtifactRequest, call: Call) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Send a file; to an agent, only while it holds a task of the workflow."""
        if call.caller.roles.isdisjoint(_READERS):
            key = Key(await self._tenant(request.workflow_id, call), request.workflow_id)
        else:
            key = await self._key(request.workflow_id, call)
        found = await self._artifacts.get(key, request.name)
        if found is None:
            raise ArtifactNotFound.named(request.workflow_id, request.name)
        artifact, content = found
        for start in range(0, max(len(content), 1), _PIECE_BYTES):
            piece = content[start : start + _PIECE_BYTES]
            yield httpbody_pb2.HttpBody(content_type=artifact.media_type, data=piece)

    async def list_artifacts(self, request: pb.ListArtifactsRequest, call: Call) -> pb.ListArtifactsResponse:
        """Return the files of a workflow."""
        key = await self._key(request.workflow_id, call)
        return pb.ListArtifactsResponse(artifacts=[_view(each) for each in await self._artifacts.list(key)])

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
    )
    view.created_at.FromDatetime(artifact.created_at)
    return view
