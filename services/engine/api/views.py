"""Workflows, tasks and events as callers see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from archwright import payloads
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.v1 import workflow_event_pb2
from archwright.language.model import ErrorCategory, Priority
from archwright.language.plan import Plan
from archwright.problem.v1 import reason_pb2
from services.engine.domain.events import (
    Event,
    Json,
    StepFailed,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskRetried,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowRetried,
)
from services.engine.domain.telling import agent_type_of, failures_before, name_of, payload_of, step_of, task_of
from services.engine.domain.transitions import TaskStatus, WorkflowStatus
from services.engine.domain.workflow import Workflow
from services.engine.ports.history import Numbered, TaskRow
from services.engine.ports.keys import Key
from services.engine.ports.store import NewWorkflow

_PRIORITY = {
    Priority.LOW: pb.Task.LOW,
    Priority.NORMAL: pb.Task.NORMAL,
    Priority.HIGH: pb.Task.HIGH,
    Priority.CRITICAL: pb.Task.CRITICAL,
}


@dataclass(slots=True)
class TaskTold:
    """A task as its events tell it."""

    created: TaskCreated
    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    failures: int = 0
    agent_id: str = ""
    ended_at: datetime | None = None
    error: str = ""
    category: ErrorCategory | None = None
    result: Json = None


@dataclass(slots=True)
class Told:
    """A workflow as its history tells it."""

    input: Json = None
    output: Json = None
    completed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    tasks: dict[str, TaskTold] = field(default_factory=dict)
    outputs: dict[str, Json] = field(default_factory=dict)


def told_by(events: Iterable[Event]) -> Told:
    """Return what a whole history tells."""
    told = Told()
    for event in events:
        match event:
            case WorkflowCreated():
                told.input = event.input
            case WorkflowCompleted():
                told.output = event.output
            case WorkflowRetried():
                told.failed.clear()
            case StepFailed(step=step):
                told.failed.append(step)
            case TaskCreated(task_id=task_id):
                told.tasks[task_id] = TaskTold(event)
            case TaskCompleted() | TaskFailed() | TaskRetried() | TaskCancelled():
                _task_told(told, event)
            case _:
                pass
    return told


def _task_told(told: Told, event: TaskCompleted | TaskFailed | TaskRetried | TaskCancelled) -> None:
    task = told.tasks[event.task_id]
    match event:
        case TaskCompleted():
            task.status, task.attempt, task.agent_id = TaskStatus.COMPLETED, event.attempt, event.agent_id
            task.ended_at, task.result, task.error, task.category = event.at, event.output, "", None
            told.completed.append(event.step)
            told.outputs[event.step] = event.output
        case TaskFailed():
            task.attempt, task.agent_id, task.failures = event.attempt, event.agent_id, event.failures
            task.error, task.category = event.message, event.category
            if event.retry_at is None:
                timed_out = event.category is ErrorCategory.TIMEOUT
                task.status = TaskStatus.TIMEOUT if timed_out else TaskStatus.FAILED
                task.ended_at = event.at
                told.failed.append(event.step)
        case TaskRetried():
            task.status = TaskStatus.PENDING
        case TaskCancelled():
            task.status, task.ended_at = TaskStatus.CANCELLED, event.at


def workflow_view(key: Key, created: NewWorkflow, plan: Plan, workflow: Workflow, told: Told | None) -> pb.Workflow:
    """Return a workflow as callers see it; without `told`, as lists show it."""
    view = pb.Workflow(
        workflow_id=key.workflow_id,
        definition_name=created.definition_name,
        definition_version=created.definition_version,
        status=status_number(workflow.status),
        current_step=min(workflow.open, default=""),
        error_details=workflow.error,
        user_id=created.user_id,
        session_id=created.session_id,
        last_seq=workflow.last_seq,
        steps=[node.step.name for node in plan.nodes],
    )
    _set(view.created_at, workflow.created_at)
    _set(view.started_at, workflow.started_at)
    _set(view.completed_at, workflow.ended_at)
    if told is not None:
        view.steps_completed.extend(told.completed)
        view.steps_failed.extend(told.failed)
        if isinstance(told.input, dict):
            view.input.CopyFrom(payloads.to_struct(told.input))
        if workflow.status is WorkflowStatus.COMPLETED:
            # What is no object cannot be told as one: it is the field `output` of the object.
            output = told.output if isinstance(told.output, dict) else {"output": told.output}
            view.output.CopyFrom(payloads.to_struct(output))
    return view


def task_view(
    key: Key, plan: Plan, task: TaskTold, open_task: TaskRow | None, given: Json | None, *, whole: bool
) -> pb.Task:
    """Return a task as callers see it; not `whole`, as lists show it."""
    created = task.created
    view = pb.Task(
        task_id=created.task_id,
        workflow_id=key.workflow_id,
        agent_type=created.agent_type,
        step_id=created.step,
        task_type=created.task_type,
        priority=_PRIORITY[created.priority],
        timeout_seconds=created.timeout_seconds,
        status=pb.Task.Status.Value(task.status.name),
        error_details=task.error,
        attempt=task.attempt,
        agent_id=task.agent_id,
        failures=task.failures,
    )
    if task.category is not None:
        view.error_category = reason_pb2.ErrorCategory.Value(task.category.name)
    _set(view.created_at, created.at)
    _set(view.completed_at, task.ended_at)
    if open_task is not None:
        view.status = pb.Task.Status.Value(open_task.status.upper())
        view.attempt = open_task.attempt
        view.agent_id = open_task.agent_id or view.agent_id
        _set(view.assigned_at, open_task.assigned_at)
        _set(view.started_at, open_task.accepted_at)
    if whole:
        if isinstance(given, dict):
            view.input_data.CopyFrom(payloads.to_struct(given))
        if task.status is TaskStatus.COMPLETED:
            result = task.result if isinstance(task.result, dict) else {"output": task.result}
            view.result.CopyFrom(payloads.to_struct(result))
    return view


def event_view(key: Key, plan: Plan, request_id: str, numbered: Numbered) -> workflow_event_pb2.WorkflowEvent:
    """Return an event as callers see it, with everything that is known about it."""
    event = numbered.event
    view = workflow_event_pb2.WorkflowEvent(
        event_id=f"{key.workflow_id}:{numbered.seq}",
        workflow_id=key.workflow_id,
        agent_type=agent_type_of(plan, event),
        event_type=name_of(type(event)),
        correlation_id=request_id,
        retry_count=failures_before(event),
        seq=numbered.seq,
        tenant=key.tenant,
        step=step_of(event),
        task_id=task_of(event),
    )
    view.payload.CopyFrom(payloads.to_struct(payload_of(event)))
    _set(view.timestamp, event.at)
    return view


def status_number(status: WorkflowStatus) -> pb.Workflow.Status.ValueType:
    """Return a status as the contract numbers it."""
    return pb.Workflow.Status.Value(status.name)


def status_of_number(number: pb.Workflow.Status.ValueType) -> WorkflowStatus | None:
    """Return the status behind a number of the contract; None where none is meant."""
    return None if number == pb.Workflow.STATUS_UNSPECIFIED else WorkflowStatus[pb.Workflow.Status.Name(number)]


def _set(field_: Timestamp, at: datetime | None) -> None:
    if at is not None:
        field_.FromDatetime(at)
