"""Workflows and events as callers see them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import assert_never

from google.protobuf import struct_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.v1 import workflow_event_pb2
from archwright.language.plan import Plan
from services.engine.api.past import Past
from services.engine.domain.events import Json
from services.engine.domain.telling import agent_type_of, failures_before, name_of, payload_of, step_of, task_of
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import canonical
from services.engine.domain.workflow import (
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenStep,
    OpenTask,
    OpenWait,
    Workflow,
)
from services.engine.ports.history import Numbered
from services.engine.ports.keys import Key
from services.engine.ports.store import NewWorkflow

STEPS_MAX = 1_000
"""How many steps of its definition a workflow names."""

DEPTH_MAX = 24
"""How deep values are nested that are shown; a message with deeper ones could not be read."""

WAITING_MAX = 20
"""How many steps under way a workflow shows."""


def workflow_view(
    key: Key, created: NewWorkflow, plan: Plan, workflow: Workflow, past: Past | None, shared: Mapping[str, Json]
) -> pb.Workflow:
    """Return a workflow as callers see it; without `past`, as lists show it. `shared` are its named values."""
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
        degraded=workflow.degraded,
        missing=workflow.missing,
        steps_completed_count=workflow.completed,
        retries=workflow.retries,
        model_tokens=workflow.spent_tokens,
        model_cost_micros=workflow.spent_micros,
        waiting_for=islice(_waiting(workflow), WAITING_MAX),
    )
    if workflow.parent is not None:
        view.parent_workflow_id, view.parent_step = workflow.parent.workflow_id, workflow.parent.step
    set_time(view.created_at, workflow.created_at)
    set_time(view.started_at, workflow.started_at)
    set_time(view.completed_at, workflow.ended_at)
    set_time(view.deadline, workflow.deadline)
    if workflow.status is WorkflowStatus.PAUSED:
        view.paused_by = workflow.paused_by
        set_time(view.paused_at, workflow.paused_at)
    if past is not None:
        _add_past(view, plan, workflow, past)
        view.context.CopyFrom(struct_of(dict(shared)))
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
        definition_name=plan.definition.name,
        definition_version=plan.definition.version,
    )
    view.payload.CopyFrom(struct_of(payload_of(event)))
    set_time(view.timestamp, event.at)
    return view


def struct_of(value: Json) -> struct_pb2.Struct:
    """Return a value as a Struct; one that is no object is the field `output` of one.

    What was put together from payloads may be nested deeper than a payload: from a depth on it is told as JSON text,
    so that every event and every output can be shown.
    """
    struct = struct_pb2.Struct()
    struct.update(_showable(value if isinstance(value, dict) else {"output": value}, DEPTH_MAX))
    return struct


def status_number(status: WorkflowStatus) -> pb.Workflow.Status.ValueType:
    """Return a status as the contract numbers it."""
    return pb.Workflow.Status.Value(status.name)


def set_time(field: Timestamp, at: datetime | None) -> None:
    """Set a time, if there is one: in whole milliseconds, as it is kept."""
    if at is not None:
        field.FromMilliseconds(round(at.timestamp() * 1000))


def _showable(value: Json, depth: int) -> Json:
    match value:
        case dict() | list() | tuple() if depth == 0:
            return canonical(value).decode()
        case dict():
            return {name: _showable(each, depth - 1) for name, each in value.items()}
        case list() | tuple():
            return [_showable(each, depth - 1) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _add_past(view: pb.Workflow, plan: Plan, workflow: Workflow, past: Past) -> None:
    view.steps.extend(step.name for step in plan.definition.steps[:STEPS_MAX])
    view.rerun_of = past.rerun_of
    view.steps_completed.extend(past.completed)
    view.steps_skipped.extend(past.skipped)
    view.steps_failed.extend(past.failed)
    if isinstance(past.input, dict):
        view.input.CopyFrom(struct_of(past.input))
    if workflow.status is WorkflowStatus.COMPLETED:
        view.output.CopyFrom(struct_of(past.output))


def _waiting(workflow: Workflow) -> Iterator[pb.WaitingFor]:
    for path, step in sorted(workflow.open.items()):
        kind, name, until = _awaited(step)
        waiting = pb.WaitingFor(step=path, kind=kind, name=name)
        set_time(waiting.until, until)
        yield waiting


def _awaited(step: OpenStep) -> tuple[pb.WaitingFor.Kind.ValueType, str, datetime | None]:
    match step:
        case OpenTask(task_id=task_id, retry_at=None):
            return pb.WaitingFor.AGENT, task_id, None
        case OpenTask(task_id=task_id, retry_at=retry_at):
            return pb.WaitingFor.RETRY, task_id, retry_at
        case OpenWait(until=until, signal=""):
            return pb.WaitingFor.TIME, "", until
        case OpenWait(until=until, signal=signal):
            return pb.WaitingFor.SIGNAL, signal, until
        case OpenApproval(approval_id=approval_id, expires_at=expires_at):
            return pb.WaitingFor.APPROVAL, approval_id, expires_at
        case OpenChild(child_id=child_id):
            return pb.WaitingFor.CHILD, child_id, None
        case OpenHolder() | OpenFallback():
            return pb.WaitingFor.BODIES, "", None
        case _:
            assert_never(step)
