"""What ends the waiting of steps: times, signals, people, and workflows of their own."""

from __future__ import annotations

from collections.abc import Callable

from archwright.errors import LimitReached, RoleDenied, TransitionIllegal
from archwright.language.expressions import ExpressionFailed
from archwright.language.model import Approval, ErrorCategory, Json, OnExpiry, OnFailure, Wait
from services.engine.domain import beginning, tasks
from services.engine.domain.clocks import APPROVAL, DEADLINE_TIMER, RETRY, WAIT, later
from services.engine.domain.commands import DecideApproval, EndChild, FireTimer, SignalWorkflow, Stale
from services.engine.domain.deciders import why_denied
from services.engine.domain.events import (
    ApprovalDecided,
    ApprovalEscalated,
    SignalReceived,
    StepCompleted,
    TimerDue,
)
from services.engine.domain.failing import fail_step, fail_workflow
from services.engine.domain.routing import next_after
from services.engine.domain.story import Story
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import Failure, OpenApproval, OpenChild, OpenTask, OpenWait, Workflow

SIGNALS_MAX = 1_000
"""How many signals may wait in one workflow."""

_UNDER_WAY = frozenset({WorkflowStatus.RUNNING, WorkflowStatus.PAUSED})


def fire(story: Story, command: FireTimer) -> None:
    """Do what was to be done at a time; remember it while the workflow is paused."""
    workflow, key = story.workflow, command.key
    if workflow.status not in _UNDER_WAY or not _is_awaited(workflow, key, command.generation):
        raise Stale(f"nothing waits for {key!r} of generation {command.generation}")
    if workflow.status is WorkflowStatus.PAUSED:
        story.tell(TimerDue(story.now, key, command.generation))
    elif key == DEADLINE_TIMER:
        seconds = story.plan.definition.timeout_seconds
        message = f"The workflow took longer than its timeout_seconds of {seconds}."
        fail_workflow(story, "", Failure(ErrorCategory.TIMEOUT, "TIME_LIMIT_PASSED", message))
    elif key.startswith(RETRY):
        tasks.retry(story, key.removeprefix(RETRY))
    elif key.startswith(WAIT):
        _end_wait(story, key.removeprefix(WAIT))
    else:
        _expire(story, key.removeprefix(APPROVAL))


def act_on_due(story: Story, due: dict[str, int]) -> None:
    """Do what became due during a pause, and has not become pointless since."""
    for key, generation in sorted(due.items()):
        if story.is_running and _is_awaited(story.workflow, key, generation):
            fire(story, FireTimer(story.now, key, generation))


def _is_awaited(workflow: Workflow, key: str, generation: int) -> bool:
    """Return whether a timer is still waited for, and this is its last word."""
    if key == DEADLINE_TIMER:
        return workflow.status is WorkflowStatus.RUNNING and workflow.clock == generation
    match workflow.open.get(key.partition(":")[2]):
        case OpenTask() as task if key.startswith(RETRY):
            found = task.retry_at is not None and task.attempt == generation
        case OpenWait() as waiting if key.startswith(WAIT):
            found = waiting.generation == generation
        case OpenApproval() as asked if key.startswith(APPROVAL):
            found = asked.generation == generation
        case _:
            found = False
    return found and workflow.due.get(key) != generation


def signal(story: Story, command: SignalWorkflow) -> None:
    """Take a word from outside: the first step that waits for it goes on, or it waits for one."""
    workflow = story.workflow
    if workflow.status.is_final:
        raise TransitionIllegal(
            f"Workflow {workflow.workflow_id} is {workflow.status} and takes no signals any more.",
            facts={"workflow_id": workflow.workflow_id, "status": str(workflow.status)},
        )
    if sum(len(waiting) for waiting in workflow.signals.values()) >= SIGNALS_MAX:
        raise LimitReached(
            f"{SIGNALS_MAX} signals wait in workflow {workflow.workflow_id}; no step has asked for them yet.",
            retry_after_seconds=60,
        )
    story.tell(SignalReceived(story.now, command.name, command.payload, command.user_id, command.request_id))
    if story.is_running:
        hand_out_signals(story, command.name)


def hand_out_signals(story: Story, name: str = "") -> None:
    """Let steps go on that wait for a signal that has come; of several the one that began to wait first."""
    waiting = [
        (found.generation, path)
        for path, found in story.workflow.open.items()
        if isinstance(found, OpenWait) and found.signal in story.workflow.signals and name in {"", found.signal}
    ]
    for _, path in sorted(waiting):
        if story.is_running and path in story.workflow.open:
            _or_fail(story, path, beginning.take_signal)


def decide_approval(story: Story, command: DecideApproval) -> None:
    """Count somebody's word; the step ends when enough have agreed, or one has not."""
    path, asked = _open_approval(story, command)
    if command.shown_sha256 != asked.shown_sha256:
        raise TransitionIllegal(
            "What was shown is not what the approval is about: its SHA-256 differs. Look at the approval once more, "
            "then decide with the shown_sha256 that it has now.",
            facts={"approval_id": command.approval_id, "shown_sha256": asked.shown_sha256},
        )
    if why := why_denied(story.plan, story.workflow, path, command.user_id, command.roles):
        raise RoleDenied(why, facts={"approval_id": command.approval_id})
    if command.user_id in asked.agreed:
        raise TransitionIllegal(
            f"{command.user_id!r} has agreed already; another approver has to.",
            facts={"approval_id": command.approval_id},
        )
    story.tell(
        ApprovalDecided(
            at=story.now,
            step=path,
            approval_id=command.approval_id,
            user_id=command.user_id,
            approved=command.approved,
            comment=command.comment,
            shown_sha256=command.shown_sha256,
            request_id=command.request_id,
        )
    )
    agreed = (*asked.agreed, command.user_id) if command.approved else asked.agreed
    if not command.approved:
        _conclude(story, path, approved=False, by=[*agreed, command.user_id], comment=command.comment)
    elif len(agreed) >= asked.quorum:
        _conclude(story, path, approved=True, by=list(agreed), comment=command.comment)


def end_child(story: Story, command: EndChild) -> None:
    """Go on from a step whose workflow has ended."""
    found = story.workflow.open.get(command.step)
    is_waited_for = isinstance(found, OpenChild) and found.child_id == command.child_id
    if not is_waited_for or story.workflow.status.is_final:
        raise Stale(f"step {command.step!r} waits for no workflow {command.child_id}")
    if command.status is WorkflowStatus.COMPLETED:
        _complete(story, command.step, command.output, degraded=command.degraded)
        return
    code = "CHILD_CANCELLED" if command.status is WorkflowStatus.CANCELLED else "CHILD_FAILED"
    told = f"Workflow {command.child_id} of step {command.step!r} is {command.status}. {command.message}".strip()
    fail_step(story, command.step, Failure(ErrorCategory.PERMANENT, code, told))


def _end_wait(story: Story, path: str) -> None:
    kind = story.plan.node(path).step.kind
    assert isinstance(kind, Wait)
    if kind.signal:
        told = f"No signal {kind.signal!r} came within {kind.timeout_seconds} s."
        fail_step(story, path, Failure(ErrorCategory.TIMEOUT, "SIGNAL_TIMEOUT", told))
    else:
        _complete(story, path, None)


def _expire(story: Story, path: str) -> None:
    found, kind = story.workflow.open[path], story.plan.node(path).step.kind
    assert isinstance(found, OpenApproval)
    assert isinstance(kind, Approval)
    if kind.on_expiry is OnExpiry.ESCALATE and not found.escalated:
        approvers = (*found.approvers, *(each for each in kind.escalate_to if each not in found.approvers))
        seconds = kind.expires_after_seconds
        expires_at = None if seconds is None else later(story.now, seconds)
        story.tell(ApprovalEscalated(story.now, path, found.approval_id, approvers, expires_at))
    else:
        told = "Nobody decided in time."
        _conclude(story, path, approved=kind.on_expiry is OnExpiry.APPROVE, by=list(found.agreed), comment=told)


def _conclude(story: Story, path: str, *, approved: bool, by: list[str], comment: str) -> None:
    """End an approval. A rejection fails its step, unless the definition goes on from it."""
    kind = story.plan.node(path).step.kind
    assert isinstance(kind, Approval)
    if approved or kind.on_reject is OnFailure.CONTINUE:
        _complete(story, path, {"approved": approved, "decided_by": by, "comment": comment})
    else:
        told = f"{by[-1] if by else 'Nobody'} did not approve of step {path!r}: {comment or 'no reason was given'}"
        fail_step(story, path, Failure(ErrorCategory.BUSINESS, "APPROVAL_REJECTED", told))


def _complete(story: Story, path: str, output: Json, *, degraded: bool = False) -> None:
    def end(story: Story, path: str) -> None:
        beginning.require_fit(story.plan.node(path).step.output_schema, output, path, "output")
        story.tell(
            StepCompleted(story.now, path, output=output, next=next_after(story, path, output), degraded=degraded)
        )

    _or_fail(story, path, end)


def _or_fail(story: Story, path: str, end: Callable[[Story, str], None]) -> None:
    """End a step, or let it fail where an expression or a schema says so."""
    try:
        end(story, path)
    except ExpressionFailed as error:
        fail_step(story, path, Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error)))
    except beginning.Unfit as unfit:
        fail_step(story, path, unfit.failure)


def _open_approval(story: Story, command: DecideApproval) -> tuple[str, OpenApproval]:
    for path, found in story.workflow.open.items():
        if isinstance(found, OpenApproval) and found.approval_id == command.approval_id:
            return path, found
    raise TransitionIllegal(
        f"Approval {command.approval_id} waits for nobody any more.", facts={"approval_id": command.approval_id}
    )
