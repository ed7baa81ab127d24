"""The client itself: workflows and their artifacts; what else there is comes as parts of it, by noun."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from archwright import ids, stubs
from archwright.client.agents import Agents
from archwright.client.approvals import Approvals
from archwright.client.dead_letters import DeadLetters
from archwright.client.definitions import Definitions
from archwright.client.events import Events
from archwright.client.local import sign_token
from archwright.client.pages import walk
from archwright.client.queues import Queues
from archwright.client.schedules import Schedules
from archwright.client.steering import Steering
from archwright.client.watch import Update, follow
from archwright.connection import Connection, TokenSource
from archwright.engine.v1.artifacts_pb2 import Artifact, GetArtifactRequest, ListArtifactsRequest
from archwright.engine.v1.workflows_pb2 import (
    GetTaskRequest,
    GetWorkflowRequest,
    ListHistoryRequest,
    ListTasksRequest,
    ListWorkflowsRequest,
    StartOutcome,
    StartWorkflowRequest,
    StartWorkflowsRequest,
    Task,
    Workflow,
)
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.local import state
from archwright.payloads import Json, to_struct

PAGE_SIZE = 200
HISTORY_PAGE_SIZE = 1000
TASKS_PAGE_SIZE = 1000
DOWNLOAD_SECONDS_MAX = 60.0
PATIENCE_SECONDS = 60.0


class Client(Steering):
    """One caller's view of a mesh; use it as an async context manager.

    `token` may be a function, which is asked before every call, so that a token can be renewed. `ca_file` names
    the only authority that is trusted; without it, the system's are.
    """

    def __init__(self, address: str, token: str | TokenSource, ca_file: Path | str | None = None) -> None:
        self._address = address
        self._token = token
        self._ca_file = Path(ca_file) if ca_file else None

    @classmethod
    def local(cls, folder: Path | None = None) -> Self:
        """Return a client of the mesh that is up on this machine, with every right there; raises MeshNotUp."""
        mesh = state.find(folder)
        return cls(mesh.gateway, lambda: sign_token(mesh), mesh.ca_file)

    async def __aenter__(self) -> Self:
        # Here and not in __init__: a channel belongs to the loop in which it was opened.
        self._connection = Connection.open(self._address, token=self._token, ca_file=self._ca_file)
        self._workflows = stubs.workflows(self._connection.channel)
        self._artifacts = stubs.artifacts(self._connection.channel)
        self.definitions = Definitions(self._connection)
        self.agents = Agents(self._connection)
        self.approvals = Approvals(self._connection)
        self.dead_letters = DeadLetters(self._connection)
        self.events = Events(self._connection)
        self.queues = Queues(self._connection)
        self.schedules = Schedules(self._connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.aclose()

    async def start(
        self,
        definition: str,
        input: Mapping[str, Json],  # noqa: A002 - the word of the contract
        *,
        version: str = "",
        request_id: str | None = None,
        session_id: str = "",
    ) -> Workflow:
        """Start a workflow from a published definition, in its newest version unless one is named.

        Two starts with one `request_id` are one workflow; without it, every call starts its own.
        """
        request = StartWorkflowRequest(
            definition_name=definition,
            definition_version=version,
            input=to_struct(dict(input), root="input"),
            request_id=request_id or _new_request_id(),
            session_id=session_id,
        )
        return await self._connection.unary(self._workflows.StartWorkflow, request)

    async def start_many(
        self,
        definition: str,
        inputs: Sequence[Mapping[str, Json]],
        *,
        version: str = "",
        request_ids: Sequence[str] | None = None,
        session_id: str = "",
    ) -> Sequence[StartOutcome]:
        """Start a workflow for each input, at most 1,000 together; return what came of each, in order.

        Each succeeds or fails by itself. With `request_ids`, one for each input, the call may be repeated.
        """
        ids_of_starts = request_ids or [_new_request_id() for _ in inputs]
        starts = [
            StartWorkflowRequest(
                definition_name=definition,
                definition_version=version,
                input=to_struct(dict(given), root="input"),
                request_id=request_id,
                session_id=session_id,
            )
            for given, request_id in zip(inputs, ids_of_starts, strict=True)
        ]
        request = StartWorkflowsRequest(starts=starts)
        answer = await self._connection.unary(self._workflows.StartWorkflows, request)
        return tuple(answer.outcomes)

    async def get(self, workflow_id: str) -> Workflow:
        """Return the workflow, with its input and output."""
        return await self._connection.unary(self._workflows.GetWorkflow, GetWorkflowRequest(workflow_id=workflow_id))

    async def list(
        self,
        *,
        status: Workflow.Status.ValueType = Workflow.STATUS_UNSPECIFIED,
        definition: str = "",
        filter: str = "",  # noqa: A002 - the word of the contract
        order_by: str = "",
    ) -> AsyncIterator[Workflow]:
        """Yield workflows, newest first, without input and output; pages are fetched as they are needed.

        `filter` is such as `status != completed AND created_at >= "2026-11-01T00:00:00Z"`; `order_by` may be
        `created_at asc`.
        """

        async def page(token: str) -> tuple[Sequence[Workflow], str]:
            request = ListWorkflowsRequest(
                page_size=PAGE_SIZE,
                page_token=token,
                status=status,
                definition_name=definition,
                filter=filter,
                order_by=order_by,
            )
            answer = await self._connection.unary(self._workflows.ListWorkflows, request)
            return answer.workflows, answer.next_page_token

        async for workflow in walk(page):
            yield workflow

    async def history(self, workflow_id: str, after_seq: int = 0) -> AsyncIterator[WorkflowEvent]:
        """Yield what has happened so far, oldest first."""
        cursor = after_seq
        while True:
            request = ListHistoryRequest(workflow_id=workflow_id, after_seq=cursor, page_size=HISTORY_PAGE_SIZE)
            answer = await self._connection.unary(self._workflows.ListHistory, request)
            for event in answer.events:
                yield event
            cursor = answer.next_after_seq
            if not cursor:
                return

    def watch(
        self,
        workflow_id: str,
        after_seq: int = 0,
        *,
        only_end: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> AsyncIterator[Update]:
        """Yield what happened since `after_seq`, then what happens, then a WatchEnded; with `only_end` only that.

        Connections that break are opened again where they broke: no event is lost or repeated. Raises the last
        error when nobody answers for `patience_seconds`.
        """
        return follow(self._connection, workflow_id, after_seq, patience_seconds, only_end=only_end)

    async def wait(self, workflow_id: str) -> Workflow:
        """Return the workflow once it has ended."""
        async for _ in self.watch(workflow_id, only_end=True):
            pass
        return await self.get(workflow_id)

    async def tasks(self, workflow_id: str) -> Sequence[Task]:
        """Return the workflow's tasks in the order they were made, without input and result."""

        async def page(token: str) -> tuple[Sequence[Task], str]:
            request = ListTasksRequest(workflow_id=workflow_id, page_size=TASKS_PAGE_SIZE, page_token=token)
            answer = await self._connection.unary(self._workflows.ListTasks, request)
            return answer.tasks, answer.next_page_token

        return tuple([task async for task in walk(page)])

    async def task(self, workflow_id: str, task_id: str) -> Task:
        """Return the task, with its input and result."""
        request = GetTaskRequest(workflow_id=workflow_id, task_id=task_id)
        return await self._connection.unary(self._workflows.GetTask, request)

    async def artifacts(self, workflow_id: str, *, versions: bool = False) -> Sequence[Artifact]:
        """Return what files the workflow has, by name: the newest version of each, or all, the newest first."""
        request = ListArtifactsRequest(workflow_id=workflow_id, versions=versions)
        answer = await self._connection.unary(self._artifacts.ListArtifacts, request)
        return tuple(answer.artifacts)

    async def download(self, workflow_id: str, name: str, *, version: int = 0) -> bytes:
        """Return the content of a file; version 0 is the newest."""
        request = GetArtifactRequest(workflow_id=workflow_id, name=name, version=version)

        async def attempt(seconds_left: float) -> bytes:
            call = self._artifacts.GetArtifact(request, timeout=seconds_left, metadata=self._connection.metadata())
            try:
                return b"".join([piece.data async for piece in call])
            finally:
                call.cancel()

        return await self._connection.retried(attempt, seconds_max=DOWNLOAD_SECONDS_MAX)


def _new_request_id() -> str:
    return ids.show("req", ids.new_uuid())
