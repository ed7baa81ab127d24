"""What an event makes of a workflow. Total: events have already happened, so nothing here can refuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from archwright.language.plan import END_INDEX, Plan
from services.engine.domain.events import (
    Event,
    StepFailed,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskRetried,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowFailed,
    WorkflowRetried,
    WorkflowStarted,
)
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenStep, Workflow

from . import frontier

END = "end"


def fold(plan: Plan, workflow: Workflow, events: Iterable[Event]) -> Workflow:
    """Return the workflow after all of `events`."""
    for event in events:
        workflow = evolve(plan, workflow, event)
    return workflow


def evolve(plan: Plan, workflow: Workflow, event: Event) -> Workflow:
    """Return the workflow after `event`."""
    seq = workflow.last_seq + 1
    match event:
        case WorkflowCreated(at=at, request_id=request_id):
            return replace(workflow, last_seq=seq, status=WorkflowStatus.PENDING, created_at=at, request_id=request_id)
        case WorkflowStarted(at=at, deadline=deadline):
            return replace(
                workflow,
                last_seq=seq,
                status=WorkflowStatus.RUNNING,
                started_at=at,
                deadline=deadline,
                ready=frontier.first_steps(plan),
            )
        case TaskCreated(step=step, task_id=task_id):
            return replace(
                workflow,
                last_seq=seq,
                ready=_without(workflow.ready, step),
                open=workflow.open.set(step, OpenStep(task_id)),
            )
        case TaskCompleted():
            return _completed(plan, workflow, event, seq)
        case TaskFailed(retry_at=None, step=step):
            return replace(workflow, last_seq=seq, open=workflow.open.delete(step), given_up=(*workflow.given_up, step))
        case TaskFailed(step=step):
            now = OpenStep(event.task_id, event.failures, event.attempt, event.retry_at)
            return replace(workflow, last_seq=seq, open=workflow.open.set(step, now))
        case TaskRetried(step=step):
            now = replace(workflow.open[step], retry_at=None)
            return replace(workflow, last_seq=seq, open=workflow.open.set(step, now))
        case TaskCancelled(step=step):
            return replace(workflow, last_seq=seq, open=workflow.open.delete(step), given_up=(*workflow.given_up, step))
        case StepFailed(step=step):
            return replace(
                workflow, last_seq=seq, ready=_without(workflow.ready, step), given_up=(*workflow.given_up, step)
            )
        case WorkflowCompleted(at=at):
            return replace(workflow, last_seq=seq, status=WorkflowStatus.COMPLETED, ended_at=at)
        case WorkflowFailed(at=at, message=message):
            # Steps that were ready but made no task are made anew by a retry too.
            return replace(
                workflow,
                last_seq=seq,
                status=WorkflowStatus.FAILED,
                ended_at=at,
                error=message,
                given_up=(*workflow.given_up, *workflow.ready),
                ready=(),
            )
        case WorkflowRetried(deadline=deadline):
            return replace(
                workflow,
                last_seq=seq,
                status=WorkflowStatus.RUNNING,
                ended_at=None,
                deadline=deadline,
                error="",
                retries=workflow.retries + 1,
                ready=workflow.given_up,
                given_up=(),
            )
        case WorkflowCancelled(at=at):
            return replace(workflow, last_seq=seq, status=WorkflowStatus.CANCELLED, ended_at=at, ready=())
    assert_never(event)


def _completed(plan: Plan, workflow: Workflow, event: TaskCompleted, seq: int) -> Workflow:
    node = plan.nodes[plan.index[event.step]]
    target = END_INDEX if event.next == END else plan.index[event.next]
    waiting, reached, unreachable = frontier.leave(plan, workflow.waiting, node, target)
    outputs = frontier.keep(workflow.outputs, node, seq)
    return replace(
        workflow,
        last_seq=seq,
        open=workflow.open.delete(event.step),
        completed=workflow.completed + 1,
        waiting=waiting,
        ready=(*workflow.ready, *reached),
        outputs=frontier.forget_read(outputs, (node, *unreachable)),
    )


def _without(steps: tuple[str, ...], step: str) -> tuple[str, ...]:
    return tuple(other for other in steps if other != step)
