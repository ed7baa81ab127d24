"""Shows workflows, their histories and their tasks.

Whatever is shown takes a bounded amount of memory, however long the workflow is: histories are read page by page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import TaskNotFound, WorkflowNotFound
from archwright.serving.calls import Call
from services.engine.api.listing import token_of, wanted_of
from services.engine.api.past import read_past, read_vars
from services.engine.api.requests import key_of, page_size, wrong_token
from services.engine.api.task_views import TaskTold, task_view, whole_task_view
from services.engine.api.views import event_view, workflow_view
from services.engine.api.watch import Watching
from services.engine.domain.events import TaskCreated
from services.engine.domain.retelling import TaskRetelling
from services.engine.domain.telling import task_of
from services.engine.ports.history import History, Numbered, Summary
from services.engine.ports.keys import Key

_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_HISTORY_DEFAULT, _HISTORY_MAX = 100, 1_000
_TASKS_DEFAULT, _TASKS_MAX = 200, 1_000
_READ_PAGE = 200


class Reading:
    """Answers callers who want to see."""

    def __init__(self, history: History, watching: Watching) -> None:
        self._history = history
        self._watching = watching

    async def get_workflow(self, request: pb.GetWorkflowRequest, call: Call) -> pb.Workflow:
        """Return a workflow with its input and output."""
        return await self.whole(key_of(request.workflow_id, call))

    async def whole(self, key: Key) -> pb.Workflow:
        """Return a workflow as it is now, with its input and output."""
        summary = await self.summary(key)
        workflow = summary.workflow
        past = await read_past(self._history, key, workflow.last_seq)
        shared = await read_vars(self._history, key, workflow.vars)
        return workflow_view(key, summary.created, summary.plan, workflow, past, shared)

    async def summary(self, key: Key) -> Summary:
        """Return a workflow's state. Raises WorkflowNotFound."""
        summary = await self._history.summary(key)
        if summary is None:
            raise WorkflowNotFound.named(key.workflow_id)
        return summary

    async def list_workflows(self, request: pb.ListWorkflowsRequest, call: Call) -> pb.ListWorkflowsResponse:
        """Return a page of workflows."""
        limit = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MAX)
        wanted = wanted_of(request)
        found = await self._history.summaries(call.caller.tenant, wanted, limit=limit + 1)
        page = found[:limit]
        return pb.ListWorkflowsResponse(
            workflows=[workflow_view(each.key, each.created, each.plan, each.workflow, None, {}) for each in page],
            next_page_token=token_of(wanted, page[-1].key.workflow_id) if len(found) > limit else "",
        )

    async def list_history(self, request: pb.ListHistoryRequest, call: Call) -> pb.ListHistoryResponse:
        """Return a page of what happened."""
        key = key_of(request.workflow_id, call)
        summary = await self._watching.require(key, request.after_seq)
        limit = page_size(request.page_size, _HISTORY_DEFAULT, _HISTORY_MAX)
        found = await self._history.events(key, after_seq=request.after_seq, limit=limit + 1)
        page = found[:limit]
        return pb.ListHistoryResponse(
            events=[event_view(key, summary.plan, summary.created.request_id, each) for each in page],
            next_after_seq=page[-1].seq if len(found) > limit else 0,
        )

    async def get_task(self, request: pb.GetTaskRequest, call: Call) -> pb.Task:
        """Return a task with its input and result."""
        key = key_of(request.workflow_id, call)
        summary = await self.summary(key)
        task: TaskTold | None = None
        retelling = TaskRetelling(summary.plan, key.workflow_id, request.task_id)
        async for numbered in self._events(key, 0):
            event = numbered.event
            if task is None:
                retelling.add(event)
                if isinstance(event, TaskCreated) and event.task_id == request.task_id:
                    task = TaskTold(event, numbered.seq)
            elif task_of(event) == request.task_id:
                task.add(event, with_result=True)
            if task is not None and task.is_over:
                break
        if task is None:
            raise TaskNotFound.named(request.task_id)
        rows = {each.task_id: each for each in await self._history.open_tasks(key)}
        return whole_task_view(key, summary.plan, task, rows.get(request.task_id), retelling.given)

    async def list_tasks(self, request: pb.ListTasksRequest, call: Call) -> pb.ListTasksResponse:
        """Return a page of a workflow's tasks."""
        key = key_of(request.workflow_id, call)
        summary = await self.summary(key)
        limit = page_size(request.page_size, _TASKS_DEFAULT, _TASKS_MAX)
        rows = {each.task_id: each for each in await self._history.open_tasks(key)}
        tasks: dict[str, TaskTold] = {}
        unfinished: set[str] = set()
        is_last = True
        async for numbered in self._events(key, _cursor(request.page_token, summary.workflow.last_seq)):
            event = numbered.event
            if isinstance(event, TaskCreated):
                is_last = len(tasks) < limit
                if is_last:
                    tasks[event.task_id] = TaskTold(event, numbered.seq)
                    unfinished.add(event.task_id)
            elif (task := tasks.get(task_of(event))) is not None:
                task.add(event, with_result=False)
                if task.is_over:
                    unfinished.discard(task.created.task_id)
            if not is_last and not unfinished - rows.keys():
                break
        last = max((task.seq for task in tasks.values()), default=0)
        return pb.ListTasksResponse(
            tasks=[task_view(key, summary.plan, task, rows.get(task_id)) for task_id, task in tasks.items()],
            next_page_token="" if is_last else str(last),
        )

    async def _events(self, key: Key, after_seq: int) -> AsyncIterator[Numbered]:
        cursor = after_seq
        while page := await self._history.events(key, after_seq=cursor, limit=_READ_PAGE):
            for numbered in page:
                yield numbered
            cursor = page[-1].seq


def _cursor(page_token: str, last_seq: int) -> int:
    if not page_token:
        return 0
    if not (page_token.isascii() and page_token.isdigit() and len(page_token) < 10 and int(page_token) <= last_seq):
        raise wrong_token()
    return int(page_token)
