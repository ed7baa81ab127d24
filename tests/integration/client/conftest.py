"""A scripted peer for the client: what every watch and call is answered is up to the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from archwright.engine.v1 import artifacts_pb2_grpc, workflows_pb2_grpc
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent

WORKFLOW_ID = "wf_1"


def event(seq: int) -> pb.WatchWorkflowResponse:
    return pb.WatchWorkflowResponse(event=WorkflowEvent(workflow_id=WORKFLOW_ID, seq=seq))


def progress(percent: float) -> pb.WatchWorkflowResponse:
    return pb.WatchWorkflowResponse(progress=pb.TaskProgress(percent=percent))


def heartbeat(last_seq: int) -> pb.WatchWorkflowResponse:
    return pb.WatchWorkflowResponse(heartbeat=pb.Heartbeat(last_seq=last_seq))


def ended(last_seq: int) -> pb.WatchWorkflowResponse:
    return pb.WatchWorkflowResponse(ended=pb.WatchEnded(status=pb.Workflow.COMPLETED, last_seq=last_seq))


@dataclass(frozen=True)
class Breaks:
    """The connection fails here."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE


@dataclass
class ScriptedEngine(workflows_pb2_grpc.WorkflowServiceServicer, artifacts_pb2_grpc.ArtifactServiceServicer):
    """Plays one act per watch, the last one again and again; fails the first `failures` of other calls."""

    acts: list[list[pb.WatchWorkflowResponse | Breaks]] = field(default_factory=list)
    cursors: list[int] = field(default_factory=list)
    failures: list[grpc.StatusCode] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    address: str = ""

    async def WatchWorkflow(self, request, context):  # noqa: N802 - the generated servicer's names
        self.cursors.append(request.after_seq)
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        for response in act:
            if isinstance(response, Breaks):
                await context.abort(response.code, "the connection broke")
            else:
                await context.write(response)

    async def _answer(self, request, context, make: Callable[[], Any]):
        self.requests.append(request)
        self.metadata = {key: str(value) for key, value in context.invocation_metadata()}
        if self.failures:
            await context.abort(self.failures.pop(0), "not now")
        return make()

    async def StartWorkflow(self, request, context):  # noqa: N802
        return await self._answer(request, context, lambda: pb.Workflow(workflow_id=WORKFLOW_ID))

    async def ListWorkflows(self, request, context):  # noqa: N802
        first = not request.page_token
        page = pb.ListWorkflowsResponse(
            workflows=[pb.Workflow(workflow_id="wf_1" if first else "wf_2")], next_page_token="more" if first else ""
        )
        return await self._answer(request, context, lambda: page)

    async def ListHistory(self, request, context):  # noqa: N802
        seqs = [1, 2] if not request.after_seq else [3]
        page = pb.ListHistoryResponse(
            events=[WorkflowEvent(seq=seq) for seq in seqs], next_after_seq=0 if request.after_seq else 2
        )
        return await self._answer(request, context, lambda: page)

    async def GetArtifact(self, request, context):  # noqa: N802
        await context.write(HttpBody(content_type="text/html", data=b"<html>"))
        await self._answer(request, context, lambda: None)
        await context.write(HttpBody(data=b"</html>"))


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    scripted = ScriptedEngine()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    workflows_pb2_grpc.add_WorkflowServiceServicer_to_server(scripted, server)
    artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server(scripted, server)
    scripted.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield scripted
    await server.stop(None)


@pytest.fixture
def script() -> dict[str, Any]:
    """The words that acts are written in: a test folder has no package to import them from."""
    return {"event": event, "progress": progress, "heartbeat": heartbeat, "ended": ended, "Breaks": Breaks}
