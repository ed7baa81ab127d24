"""What people may do to a whole workflow: start, pause, resume, retry and cancel it."""

from __future__ import annotations

from archwright.errors import TransitionIllegal
from archwright.language.model import Json
from services.engine.domain.clocks import deadline
from services.engine.domain.commands import (
    AdmitWorkflow,
    CancelWorkflow,
    PauseWorkflow,
    RedriveTask,
    ResumeWorkflow,
    RetryWorkflow,
    Reused,
    Stale,
    StartWorkflow,
)
from services.engine.domain.events import (
    FailureTolerated,
    StepCompleted,
    StepSkipped,
    WorkflowCancelled,
    WorkflowCreated,
    WorkflowPaused,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
)
from services.engine.domain.failing import call_off, handle
from services.engine.domain.story import Story
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, WorkflowStatus
from services.engine.domain.waiting import act_on_due, hand_out_signals


def start(story: Story, command: StartWorkflow) -> None:
    """Accept a workflow; and begin it, if there is room for it now."""
    if story.workflow.last_seq:
        raise Stale("the workflow has begun")
    definition = story.plan.definition
    story.tell(
        WorkflowCreated(
            at=story.now,
            definition_name=definition.name,
            definition_version=definition.version,
            definition_hash=story.plan.content_hash,
            input=command.input,
            request_id=command.request_id,
            user_id=command.user_id,
            session_id=command.session_id,
            parent=command.parent,
            rerun_of=command.rerun_of,
            on_behalf_of=command.on_behalf_of,
        )
    )
    _take_over(story, {reused.step: reused for reused in command.reused})
    if command.admitted:
        story.tell(WorkflowStarted(story.now, deadline(story.plan, story.now)))


def admit(story: Story, command: AdmitWorkflow) -> None:
    """Begin a workflow that waited for room."""
    if story.workflow.status is not WorkflowStatus.PENDING or not story.workflow.last_seq:
        raise Stale("the workflow has begun")
    story.tell(WorkflowStarted(command.now, deadline(story.plan, command.now)))


def pause(story: Story, command: PauseWorkflow) -> None:
    """Begin nothing new; what is under way may end."""
    _require_move(story, WorkflowStatus.PAUSED)
    story.tell(WorkflowPaused(story.now, command.user_id, command.reason, command.request_id))


def resume(story: Story, command: ResumeWorkflow) -> None:
    """Go on, and act on everything that came to pass meanwhile. The time of the pause does not count."""
    workflow = story.workflow
    if workflow.status is not WorkflowStatus.PAUSED:
        raise _illegal(story, WorkflowStatus.RUNNING, "only what is paused can be resumed")
    assert workflow.paused_at is not None
    assert workflow.deadline is not None
    until = workflow.deadline + (story.now - workflow.paused_at)
    failed, given_up, due = workflow.unhandled, workflow.given_up, dict(workflow.due)
    story.tell(WorkflowResumed(story.now, command.user_id, until, command.request_id))
    for path in sorted(failed, key=given_up.__getitem__):
        if path in story.workflow.unhandled:
            handle(story, path, failed[path])
    # What came before a time was up counts, and of what came after it nobody can tell any more.
    hand_out_signals(story)
    act_on_due(story, due)


def retry(story: Story, command: RetryWorkflow) -> None:
    """Go on from what failed, with all finished work."""
    retry_from(story, command)


def retry_from(story: Story, command: RetryWorkflow | RedriveTask, *, step: str = "", given: Json = None) -> None:
    """Go on from what failed; `step` is the one that somebody chose, and `given` what its task is given now."""
    if story.workflow.status is not WorkflowStatus.FAILED:
        raise _illegal(story, WorkflowStatus.RUNNING, "only what has failed can be retried")
    if story.workflow.compensated:
        raise _illegal(story, WorkflowStatus.RUNNING, "its steps were compensated; rerun it as a new workflow")
    until = deadline(story.plan, story.now)
    story.tell(WorkflowRetried(story.now, until, command.user_id, command.request_id, step, given))


def cancel(story: Story, command: CancelWorkflow) -> None:
    """Call everything off."""
    _require_move(story, WorkflowStatus.CANCELLED)
    call_off(story)
    story.tell(WorkflowCancelled(story.now, command.user_id, command.reason, command.request_id))


def _take_over(story: Story, reused: dict[str, Reused]) -> None:
    """Let steps be done that were done in another workflow, in the order in which they are reached."""
    while found := [path for path in story.workflow.ready if path in reused]:
        for path in found:
            step = reused[path]
            for inner in step.inner:
                story.tell(_taken_over(story, inner))
            if step.failure is not None:
                failure = step.failure
                story.tell(
                    FailureTolerated(story.now, path, step.next, failure.category, failure.code, failure.message)
                )
            elif step.skipped:
                story.tell(StepSkipped(story.now, path, step.skipped))
            else:
                story.tell(_taken_over(story, step))


def _taken_over(story: Story, step: Reused) -> StepCompleted:
    return StepCompleted(
        at=story.now,
        step=step.step,
        output=step.output,
        next=step.next,
        source="rerun",
        degraded=step.degraded,
        vars=step.vars,
    )


def _require_move(story: Story, wished: WorkflowStatus) -> None:
    if wished not in WORKFLOW_TRANSITIONS[story.workflow.status]:
        raise _illegal(story, wished)


def _illegal(story: Story, wished: WorkflowStatus, because: str = "") -> TransitionIllegal:
    workflow = story.workflow
    names = ", ".join(sorted(WORKFLOW_TRANSITIONS[workflow.status])) or "none: it has ended"
    told = f"; {because}" if because else ""
    return TransitionIllegal(
        f"Workflow {workflow.workflow_id} is {workflow.status} and cannot become {wished}{told}. "
        f"Legal from here: {names}.",
        facts={"workflow_id": workflow.workflow_id, "status": str(workflow.status), "wished": str(wished)},
    )
