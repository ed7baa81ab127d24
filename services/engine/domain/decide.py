"""What a command makes true.

`decide` is pure: the same workflow, command and known values always give the same events. It refuses what a
caller may not do with `TransitionIllegal`, and what has become pointless with `Stale`; either way nothing changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import orjson

from archwright import ids
from archwright.errors import TransitionIllegal
from archwright.language.expressions import ExpressionFailed
from archwright.language.model import AgentTask, ErrorCategory
from archwright.language.plan import END_INDEX, Plan, Scope
from archwright.language.schema import validator
from services.engine.domain.commands import (
    CancelWorkflow,
    Command,
    CompleteTask,
    FailTask,
    FireTimer,
    Stale,
    StartWorkflow,
)
from services.engine.domain.events import (
    Event,
    Json,
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
from services.engine.domain.evolve import END, evolve
from services.engine.domain.retry import is_charged, is_retried, pause_seconds
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.workflow import OpenStep, Workflow

from . import frontier

DEADLINE_TIMER = "deadline"
"""The timer of the whole workflow; a step's is `retry:` and its name."""


@dataclass(frozen=True, slots=True)
class Known:
    """What expressions may read: the workflow's input, and the outputs it still keeps, by step."""

    input: Json = None
    outputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """The facts that a command made true, the workflow after them, and the inputs of the tasks they made."""

    workflow: Workflow
    events: tuple[Event, ...]
    inputs: Mapping[str, bytes]


def decide(plan: Plan, workflow: Workflow, command: Command, known: Known) -> Decided:
    """Return what `command` makes true.

    Raises TransitionIllegal when the workflow's status does not allow it, and Stale when it speaks of
    something that is over.
    """
    story = _Story(plan, workflow, known)
    match command:
        case StartWorkflow():
            _start(story, command)
        case CompleteTask():
            _complete(story, command)
        case FailTask():
            _fail(story, command)
        case FireTimer():
            _fire(story, command)
        case CancelWorkflow():
            _cancel(story, command)
        case _:
            assert_never(command)
    return Decided(story.workflow, tuple(story.events), story.inputs)


def canonical(value: Json) -> bytes:
    """Return the one JSON text of a value, by which inputs are hashed."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def scope_of(plan: Plan, workflow: Workflow, known: Known) -> Scope:
    """Return what expressions see."""
    return Scope(
        input=known.input,
        outputs=known.outputs,
        statuses=dict.fromkeys(known.outputs, "completed"),
        vars={},
        workflow={
            "id": workflow.workflow_id,
            "definition": plan.definition.name,
            "version": plan.definition.version,
        },
    )


class _Story:
    """The events so far, and the workflow after them."""

    def __init__(self, plan: Plan, workflow: Workflow, known: Known) -> None:
        self.plan = plan
        self.workflow = workflow
        self.known = known
        self.events: list[Event] = []
        self.inputs: dict[str, bytes] = {}

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.workflow = evolve(self.plan, self.workflow, event)

    def scope(self) -> Scope:
        return scope_of(self.plan, self.workflow, self.known)


def _start(story: _Story, command: StartWorkflow) -> None:
    if story.workflow.last_seq:
        raise Stale("the workflow has begun")
    definition = story.plan.definition
    story.known = Known(command.input)
    story.tell(
        WorkflowCreated(
            at=command.now,
            definition_name=definition.name,
            definition_version=definition.version,
            definition_hash=story.plan.content_hash,
            input=command.input,
            request_id=command.request_id,
            user_id=command.user_id,
            session_id=command.session_id,
        )
    )
    story.tell(WorkflowStarted(command.now, _deadline(story, command.now)))
    _go_on(story, command.now)


def _complete(story: _Story, command: CompleteTask) -> None:
    step, task = _open_task(story.workflow, command.task_id)
    node = story.plan.nodes[story.plan.index[step]]
    if node.step.output_schema is not None:
        problems = validator(node.step.output_schema).problems(command.output, root="output")
        if problems:
            told = "; ".join(f"{problem.field}: {problem.description}" for problem in problems[:5])
            message = f"The output of step {step!r} does not fit its output_schema: {told}"
            _give_up(story, command.now, command, ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", message)
            return
    story.known = Known(story.known.input, {**story.known.outputs, step: command.output})
    try:
        target = story.plan.route(node, story.scope())
    except ExpressionFailed as error:
        _give_up(story, command.now, command, ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error))
        return
    story.tell(
        TaskCompleted(
            at=command.now,
            step=step,
            task_id=command.task_id,
            attempt=command.attempt,
            agent_id=command.agent_id,
            output=command.output,
            next=END if target == END_INDEX else story.plan.nodes[target].step.name,
            failures=task.failures,
            artifacts=command.artifacts,
            usage=command.usage,
        )
    )
    _go_on(story, command.now)


def _fail(story: _Story, command: FailTask) -> None:
    step, was = _open_task(story.workflow, command.task_id)
    policy = _task_of(story.plan, step).retry_policy
    failures = was.failures + is_charged(command.category)
    if not is_retried(policy, command.category, failures):
        _give_up(story, command.now, command, command.category, command.code, command.message)
        return
    pause = pause_seconds(policy, failures, command.chance, command.retry_after_seconds)
    story.tell(
        TaskFailed(
            at=command.now,
            step=step,
            task_id=command.task_id,
            attempt=command.attempt,
            agent_id=command.agent_id,
            category=command.category,
            code=command.code,
            message=command.message,
            charged=is_charged(command.category),
            failures=failures,
            retry_at=command.now + timedelta(seconds=pause),
        )
    )


def _fire(story: _Story, command: FireTimer) -> None:
    workflow = story.workflow
    if workflow.status is not WorkflowStatus.RUNNING:
        raise Stale(f"the workflow is {workflow.status}")
    if command.key == DEADLINE_TIMER:
        if command.generation != workflow.retries:
            raise Stale("the deadline was of an earlier try")
        seconds = story.plan.definition.timeout_seconds
        message = f"The workflow took longer than its timeout_seconds of {seconds}."
        _fail_workflow(story, command.now, "", ErrorCategory.TIMEOUT, "TIME_LIMIT_PASSED", message)
        return
    step = command.key.removeprefix("retry:")
    was = workflow.open.get(step)
    if was is None or was.retry_at is None or was.attempt != command.generation:
        raise Stale(f"step {step!r} waits for no such retry")
    queue_by = _queue_by(_task_of(story.plan, step), command.now)
    story.tell(TaskRetried(command.now, step, was.task_id, queue_by, was.failures))


def _cancel(story: _Story, command: CancelWorkflow) -> None:
    _require_move(story.workflow, WorkflowStatus.CANCELLED)
    _call_off(story, command.now)
    story.tell(WorkflowCancelled(command.now, command.user_id, command.reason, command.request_id))


def _go_on(story: _Story, now: datetime) -> None:
    """Make the tasks of the steps that were reached; complete the workflow if there is nothing left."""
    for name in story.workflow.ready:
        failed = _make_task(story, name, now)
        if failed is not None:
            story.tell(failed)
            _fail_workflow(story, now, failed.step, failed.category, failed.code, failed.message)
            return
    if not frontier.is_over(story.workflow):
        return
    try:
        output = story.plan.output(story.scope())
    except ExpressionFailed as error:
        _fail_workflow(story, now, "", ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error))
        return
    story.tell(WorkflowCompleted(now, output))


def _make_task(story: _Story, name: str, now: datetime) -> StepFailed | None:
    node = story.plan.nodes[story.plan.index[name]]
    step = node.step
    try:
        given = story.plan.task_input(node, story.scope())
    except ExpressionFailed as error:
        return StepFailed(now, name, ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error))
    if step.input_schema is not None:
        problems = validator(step.input_schema).problems(given, root="input")
        if problems:
            told = "; ".join(f"{problem.field}: {problem.description}" for problem in problems[:5])
            message = f"The input of step {name!r} does not fit its input_schema: {told}"
            return StepFailed(now, name, ErrorCategory.PERMANENT, "INPUT_MISMATCH", message)
    text = canonical(given)
    task_id = _task_id(story.workflow, name, now)
    story.inputs[task_id] = text
    story.tell(
        TaskCreated(
            at=now,
            step=name,
            task_id=task_id,
            agent_type=_task_of(story.plan, name).agent_type,
            task_type=_task_of(story.plan, name).task_type,
            priority=_task_of(story.plan, name).priority,
            timeout_seconds=_task_of(story.plan, name).timeout_seconds,
            queue_by=_queue_by(_task_of(story.plan, name), now),
            input_sha256=hashlib.sha256(text).hexdigest(),
        )
    )
    return None


def _give_up(
    story: _Story, now: datetime, command: CompleteTask | FailTask, category: ErrorCategory, code: str, message: str
) -> None:
    """End a task that will not be tried again, and with it the workflow."""
    step, task = _open_task(story.workflow, command.task_id)
    story.tell(
        TaskFailed(
            at=now,
            step=step,
            task_id=command.task_id,
            attempt=command.attempt,
            agent_id=command.agent_id,
            category=category,
            code=code,
            message=message,
            charged=True,
            failures=task.failures + 1,
            retry_at=None,
        )
    )
    _fail_workflow(story, now, step, category, code, message)


def _fail_workflow(story: _Story, now: datetime, step: str, category: ErrorCategory, code: str, message: str) -> None:
    _call_off(story, now)
    told = f"Step {step!r} failed ({category}): {message}" if step else message
    story.tell(WorkflowFailed(now, step, category, code, told))
    if story.workflow.retries < story.plan.definition.max_retries:
        story.tell(WorkflowRetried(now, _deadline(story, now)))
        _go_on(story, now)


def _call_off(story: _Story, now: datetime) -> None:
    for step, task in sorted(story.workflow.open.items()):
        story.tell(TaskCancelled(now, step, task.task_id))


def _open_task(workflow: Workflow, task_id: str) -> tuple[str, OpenStep]:
    step = workflow.step_of(task_id)
    if step is None or workflow.status is not WorkflowStatus.RUNNING:
        raise Stale(f"task {task_id} has ended")
    task = workflow.open[step]
    if task.retry_at is not None:
        raise Stale(f"the attempt at task {task_id} has ended")
    return step, task


def _require_move(workflow: Workflow, wished: WorkflowStatus) -> None:
    legal = WORKFLOW_TRANSITIONS[workflow.status]
    if wished in legal:
        return
    names = ", ".join(sorted(legal)) or "none: it has ended"
    raise TransitionIllegal(
        f"Workflow {workflow.workflow_id} is {workflow.status} and cannot become {wished}. Legal from here: {names}.",
        facts={"workflow_id": workflow.workflow_id, "status": str(workflow.status), "wished": str(wished)},
    )


def _deadline(story: _Story, now: datetime) -> datetime:
    return now + timedelta(seconds=story.plan.definition.timeout_seconds)


def _task_of(plan: Plan, step: str) -> AgentTask:
    kind = plan.nodes[plan.index[step]].step.kind
    assert isinstance(kind, AgentTask)
    return kind


def _queue_by(step: AgentTask, now: datetime) -> datetime | None:
    seconds = step.queue_timeout_seconds
    return None if seconds is None else now + timedelta(seconds=seconds)


def _task_id(workflow: Workflow, step: str, now: datetime) -> str:
    at_ms = int(now.timestamp() * 1000)
    return ids.show("task", ids.derived_uuid(at_ms, workflow.workflow_id, step, str(workflow.retries)))
