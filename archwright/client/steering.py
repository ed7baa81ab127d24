"""What may be done to a workflow that is there.

Every call has a `request_id`, its own unless one is given: with the same one it may be repeated, and is done once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archwright import ids
from archwright.connection import Connection
from archwright.engine.v1.workflows_pb2 import (
    CancelWorkflowRequest,
    ExplainWorkflowRequest,
    ExplainWorkflowResponse,
    PauseWorkflowRequest,
    RerunWorkflowRequest,
    ResumeWorkflowRequest,
    RetryWorkflowRequest,
    SignalWorkflowRequest,
    UpdateWorkflowStatusRequest,
    Workflow,
)
from archwright.payloads import Json, to_struct

if TYPE_CHECKING:
    from archwright.engine.v1.workflows_pb2_grpc import WorkflowServiceAsyncStub


class Steering:
    """The half of the client that steers."""

    _connection: Connection
    _workflows: WorkflowServiceAsyncStub

    async def pause(self, workflow_id: str, reason: str = "", *, request_id: str | None = None) -> Workflow:
        """Begin nothing new in the workflow; what agents work on may end."""
        request = PauseWorkflowRequest(workflow_id=workflow_id, reason=reason, request_id=_id(request_id))
        return await self._connection.unary(self._workflows.PauseWorkflow, request)

    async def resume(self, workflow_id: str, *, request_id: str | None = None) -> Workflow:
        """Let a paused workflow go on; the time of the pause does not count."""
        request = ResumeWorkflowRequest(workflow_id=workflow_id, request_id=_id(request_id))
        return await self._connection.unary(self._workflows.ResumeWorkflow, request)

    async def cancel(self, workflow_id: str, reason: str = "", *, request_id: str | None = None) -> Workflow:
        """Call the workflow off: its open tasks are taken from their agents."""
        request = CancelWorkflowRequest(workflow_id=workflow_id, reason=reason, request_id=_id(request_id))
        return await self._connection.unary(self._workflows.CancelWorkflow, request)

    async def retry(self, workflow_id: str, *, request_id: str | None = None) -> Workflow:
        """Let a failed workflow go on from what failed, with all that was done."""
        request = RetryWorkflowRequest(workflow_id=workflow_id, request_id=_id(request_id))
        return await self._connection.unary(self._workflows.RetryWorkflow, request)

    async def rerun(
        self,
        workflow_id: str,
        from_step: str,
        input: Mapping[str, Json] | None = None,  # noqa: A002 - the word of the contract
        *,
        request_id: str | None = None,
        session_id: str = "",
    ) -> Workflow:
        """Start a new workflow that takes over all that is not downstream of a step; with the old input, or another."""
        request = RerunWorkflowRequest(
            workflow_id=workflow_id, from_step=from_step, request_id=_id(request_id), session_id=session_id
        )
        if input is not None:
            request.input.CopyFrom(to_struct(dict(input), root="input"))
        return await self._connection.unary(self._workflows.RerunWorkflow, request)

    async def signal(
        self, workflow_id: str, name: str, payload: Mapping[str, Json] | None = None, *, request_id: str | None = None
    ) -> Workflow:
        """Tell the workflow a word that one of its steps waits for, or will."""
        request = SignalWorkflowRequest(
            workflow_id=workflow_id,
            name=name,
            payload=to_struct(dict(payload or {}), root="payload"),
            request_id=_id(request_id),
        )
        return await self._connection.unary(self._workflows.SignalWorkflow, request)

    async def set_status(
        self, workflow_id: str, status: Workflow.Status.ValueType, reason: str = "", *, request_id: str | None = None
    ) -> Workflow:
        """Ask for another status: running, paused or cancelled."""
        request = UpdateWorkflowStatusRequest(
            workflow_id=workflow_id, status=status, reason=reason, request_id=_id(request_id)
        )
        return await self._connection.unary(self._workflows.UpdateWorkflowStatus, request)

    async def explain(self, workflow_id: str) -> ExplainWorkflowResponse:
        """Return why each unfinished step of the workflow is not done."""
        request = ExplainWorkflowRequest(workflow_id=workflow_id)
        return await self._connection.unary(self._workflows.ExplainWorkflow, request)


def _id(request_id: str | None) -> str:
    return request_id or ids.show("req", ids.new_uuid())
