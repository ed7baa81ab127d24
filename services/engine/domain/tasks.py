"""What comes of tasks: results, failures, and agents that are not there."""

from __future__ import annotations

import hashlib

from archwright.language.expressions import ExpressionFailed
from archwright.language.model import AgentTask, ErrorCategory, OnFailure, OnUnavailable
from services.engine.domain.beginning import misfits
from services.engine.domain.clocks import later, queue_by
from services.engine.domain.commands import CompleteTask, FailTask, Stale, TellUnavailable
from services.engine.domain.events import (
    StepSkipped,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskRepairRequested,
    TaskRetried,
)
from services.engine.domain.failing import handle
from services.engine.domain.retry import is_charged, is_retried, pause_seconds
from services.engine.domain.routing import next_after
from services.engine.domain.showing import show_again
from services.engine.domain.story import Story
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import canonical
from services.engine.domain.workflow import Failure, OpenTask

REPAIRS_MAX = 2
"""How often an output that does not fit goes back to its agent."""

_UNDER_WAY = frozenset({WorkflowStatus.RUNNING, WorkflowStatus.PAUSED})


def complete(story: Story, command: CompleteTask) -> None:
    """Apply a result. One that does not fit its schema goes back to be repaired, twice at most."""
    path, task = _open_task(story, command.task_id, command.step)
    _require_new(task, command)
    node = story.plan.node(path)
    wrong = misfits(node.step.output_schema, command.output, "output")
    if wrong and task.repairs < REPAIRS_MAX:
        story.tell(
            TaskRepairRequested(
                at=story.now,
                step=path,
                task_id=task.task_id,
                attempt=command.attempt,
                agent_id=command.agent_id,
                errors=wrong,
                output_sha256=hashlib.sha256(canonical(command.output)).hexdigest(),
                repairs=task.repairs + 1,
                failures=task.failures,
            )
        )
        return
    if wrong:
        message = f"The output of step {path!r} does not fit its output_schema: {'; '.join(wrong)}"
        _end(story, path, command, Failure(ErrorCategory.PERMANENT, "OUTPUT_MISMATCH", message))
        return
    try:
        following = next_after(story, path, command.output)
    except ExpressionFailed as error:
        _end(story, path, command, Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error)))
        return
    story.tell(
        TaskCompleted(
            at=story.now,
            step=path,
            task_id=task.task_id,
            attempt=command.attempt,
            agent_id=command.agent_id,
            output=command.output,
            next=following,
            failures=task.failures,
            artifacts=command.artifacts,
            usage=command.usage,
        )
    )
    if command.artifacts and story.plan.shown_artifacts:
        show_again(story)


def fail(story: Story, command: FailTask) -> None:
    """Try a task again by its policy, or let its step fail."""
    path, task = _open_task(story, command.task_id, command.step)
    if command.agent_id:  # else it waited in vain for another attempt, after the one that it names
        _require_new(task, command)
    kind = story.plan.node(path).step.kind
    assert isinstance(kind, AgentTask)
    failures = task.failures + is_charged(command.category)
    if not is_retried(kind.retry_policy, command.category, failures):
        _end(story, path, command, Failure(command.category, command.code, command.message))
        return
    pause = pause_seconds(kind.retry_policy, failures, command.chance, command.retry_after_seconds)
    story.tell(
        TaskFailed(
            at=story.now,
            step=path,
            task_id=task.task_id,
            attempt=command.attempt,
            agent_id=command.agent_id,
            category=command.category,
            code=command.code,
            message=command.message,
            charged=is_charged(command.category),
            failures=failures,
            retry_at=later(story.now, pause),
        )
    )


def retry(story: Story, path: str) -> None:
    """Let a task wait for an agent again, now that its pause is over."""
    task, kind = story.workflow.open[path], story.plan.node(path).step.kind
    assert isinstance(task, OpenTask)
    assert isinstance(kind, AgentTask)
    story.tell(TaskRetried(story.now, path, task.task_id, queue_by(kind, story.now), task.failures))


def unavailable(story: Story, command: TellUnavailable) -> None:
    """Do what a step said about there being no agent for it."""
    path, task = _open_task(story, command.task_id, command.step)
    if not story.is_running:
        raise Stale(f"task {task.task_id} is held; it is asked for again when the workflow is resumed")
    step = story.plan.node(path).step
    assert isinstance(step.kind, AgentTask)
    match step.kind.on_unavailable:
        case OnUnavailable.WAIT:
            raise Stale(f"step {path!r} waits for an agent")
        case OnUnavailable.SKIP:
            story.tell(TaskCancelled(story.now, path, task.task_id))
            story.tell(StepSkipped(story.now, path, command.message))
        case OnUnavailable.FALLBACK | OnUnavailable.FAIL as wish:
            failure = Failure(ErrorCategory.TRANSIENT, "AGENT_UNAVAILABLE", command.message)
            story.tell(_failed(story, path, task, task.attempt, "", failure))
            handle(story, path, failure, OnFailure.FALLBACK if wish is OnUnavailable.FALLBACK else None)


def _require_new(task: OpenTask, command: CompleteTask | FailTask) -> None:
    """Refuse what is said of an attempt that has ended.

    The fence of its delivery does not: said twice, by way of two streams, it may be decided twice in one commit.
    """
    if command.attempt <= task.attempt:
        raise Stale(f"attempt {command.attempt} at task {task.task_id} has ended")


def _end(story: Story, path: str, command: CompleteTask | FailTask, failure: Failure) -> None:
    """Let a step fail whose task will not be tried again."""
    task = story.workflow.open[path]
    assert isinstance(task, OpenTask)
    story.tell(_failed(story, path, task, command.attempt, command.agent_id, failure))
    handle(story, path, failure)


def _failed(story: Story, path: str, task: OpenTask, attempt: int, agent_id: str, failure: Failure) -> TaskFailed:
    return TaskFailed(
        at=story.now,
        step=path,
        task_id=task.task_id,
        attempt=attempt,
        agent_id=agent_id,
        category=failure.category,
        code=failure.code,
        message=failure.message,
        charged=True,
        failures=task.failures + 1,
        retry_at=None,
    )


def _open_task(story: Story, task_id: str, step: str) -> tuple[str, OpenTask]:
    found = story.workflow.task_at(step, task_id)
    if found is None or story.workflow.status not in _UNDER_WAY:
        raise Stale(f"task {task_id} has ended")
    if found[1].retry_at is not None:
        raise Stale(f"the attempt at task {task_id} has ended")
    return found
