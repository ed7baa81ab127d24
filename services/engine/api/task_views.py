"""Tasks as their events tell them, and as callers see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.language.model import AgentTask, ErrorCategory, Priority
from archwright.language.plan import Plan
from archwright.problem.v1 import reason_pb2
from services.engine.api.views import set_time, struct_of
from services.engine.domain.events import (
    Event,
    Json,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskRepairRequested,
    TaskRetried,
)
from services.engine.domain.transitions import TaskStatus
from services.engine.ports.history import TaskRow
from services.engine.ports.keys import Key

_PRIORITY: Mapping[Priority, pb.Task.Priority.ValueType] = {
    Priority.LOW: pb.Task.LOW,
    Priority.NORMAL: pb.Task.NORMAL,
    Priority.HIGH: pb.Task.HIGH,
    Priority.CRITICAL: pb.Task.CRITICAL,
}


@dataclass(slots=True)
class TaskTold:
    """A task as its events tell it."""

    created: TaskCreated
    seq: int
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    failures: int = 0
    repairs: int = 0
    agent_id: str = ""
    ended_at: datetime | None = None
    error: str = ""
    category: ErrorCategory | None = None
    result: Json = None

    @property
    def is_over(self) -> bool:
        """Whether no event will tell more of it."""
        return self.ended_at is not None

    def add(self, event: Event, *, with_result: bool) -> None:
        """Let an event about it have happened."""
        match event:
            case TaskCompleted():
                self.status, self.attempt, self.agent_id = TaskStatus.COMPLETED, event.attempt, event.agent_id
                self.ended_at, self.error, self.category = event.at, "", None
                self.result = event.output if with_result else None
            case TaskFailed():
                self.attempt, self.agent_id, self.failures = event.attempt, event.agent_id, event.failures
                self.error, self.category = event.message, event.category
                if event.retry_at is None:
                    timed_out = event.category is ErrorCategory.TIMEOUT
                    self.status = TaskStatus.TIMEOUT if timed_out else TaskStatus.FAILED
                    self.ended_at = event.at
            case TaskRetried():
                self.status = TaskStatus.PENDING
            case TaskRepairRequested():
                self.attempt, self.agent_id, self.repairs = event.attempt, event.agent_id, event.repairs
                self.error = "; ".join(event.errors)
            case TaskCancelled():
                self.status, self.ended_at = TaskStatus.CANCELLED, event.at
            case _:
                pass


def task_view(key: Key, plan: Plan, task: TaskTold, row: TaskRow | None) -> pb.Task:
    """Return a task as lists show it. `row` is that of a task that has not ended."""
    created = task.created
    kind = plan.node(created.step).step.kind
    view = pb.Task(
        task_id=created.task_id,
        workflow_id=key.workflow_id,
        agent_type=(kind.agent_type or "") if isinstance(kind, AgentTask) else "",
        queue=created.agent_type,
        step_id=created.step,
        task_type=created.task_type,
        priority=_PRIORITY[created.priority],
        timeout_seconds=created.timeout_seconds,
        status=pb.Task.Status.Value(task.status.name),
        error_details=task.error,
        attempt=task.attempt,
        agent_id=task.agent_id,
        failures=task.failures,
        repairs=task.repairs,
    )
    if task.category is not None:
        view.error_category = reason_pb2.ErrorCategory.Value(task.category.name)
    set_time(view.created_at, created.at)
    set_time(view.completed_at, task.ended_at)
    if row is not None and not task.is_over:
        view.status = pb.Task.Status.Value(row.status.upper())
        view.attempt = row.attempt
        view.agent_id = row.agent_id or view.agent_id
        set_time(view.assigned_at, row.assigned_at)
        set_time(view.started_at, row.accepted_at)
    return view


def whole_task_view(key: Key, plan: Plan, task: TaskTold, row: TaskRow | None, given: Json) -> pb.Task:
    """Return a task with its input and result."""
    view = task_view(key, plan, task, row)
    if isinstance(given, dict):
        view.input_data.CopyFrom(struct_of(given))
    if task.status is TaskStatus.COMPLETED:
        view.result.CopyFrom(struct_of(task.result))
    return view
