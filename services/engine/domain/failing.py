"""What becomes of a workflow when a step of it has failed for good.

The innermost policy wins: that of the step, then that of its branch or element, then that of the step around it, and
so on outwards to the definition's. `fail` anywhere fails the workflow; where nobody says anything, the definition's
own policy does, and without one the workflow fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from archwright.language.model import (
    CategoryPolicy,
    Constant,
    ForEach,
    OnBranchFailure,
    OnFailure,
    Parallel,
)
from services.engine.domain import frontier
from services.engine.domain.clocks import deadline
from services.engine.domain.events import (
    CompensationStarted,
    FailureTolerated,
    ScopeEnded,
    ScopeStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    TaskCancelled,
    WorkflowFailed,
    WorkflowRetried,
)
from services.engine.domain.paths import (
    COMPENSATION,
    FALLBACK,
    ROOT_SCOPE,
    label_of,
    owner_of,
    scope_of,
)
from services.engine.domain.routing import next_or_order
from services.engine.domain.story import Story
from services.engine.domain.workflow import (
    Failure,
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenTask,
    OpenWait,
)


@dataclass(frozen=True, slots=True)
class _Failed:
    """The step that has failed, the one that is told to be the cause, and why."""

    step: str
    cause: str
    failure: Failure


_OF_CATEGORY = {
    CategoryPolicy.CONTINUE: OnFailure.CONTINUE,
    CategoryPolicy.COMPENSATE: OnFailure.COMPENSATE,
    CategoryPolicy.FAIL: OnFailure.FAIL,
}


def fail_step(story: Story, path: str, failure: Failure, *, after_fallback: bool = False) -> None:
    """Let a step fail that has no task, and do what the definition says about it."""
    story.tell(StepFailed(story.now, path, failure.category, failure.code, failure.message))
    handle(story, path, failure, after_fallback=after_fallback)


def handle(
    story: Story, path: str, failure: Failure, wish: OnFailure | None = None, *, after_fallback: bool = False
) -> None:
    """Do what the definition says about a step that has failed. While the workflow is paused that has to wait.

    `wish` is what the step itself says in this case, where that is not its `on_failure`. A fallback is not for
    what it failed by itself.
    """
    if not story.is_running:
        return
    # What has failed for that reason is at first the step alone; and then what is around it and cannot do without it.
    failed = cause = level = path
    while True:
        step = story.plan.node(level).step
        on_failure = wish if wish is not None and level == path else step.on_failure
        if on_failure is OnFailure.FALLBACK and (after_fallback or step.fallback is None):
            on_failure = None
        if on_failure is not None:
            _obey(story, level, on_failure, _Failed(path, cause, failure))
            return
        scope = scope_of(level)
        if scope == ROOT_SCOPE:
            _obey(story, failed, _of_definition(story, failure), _Failed(path, cause, failure))
            return
        owner, label = owner_of(scope), label_of(scope)
        if label == COMPENSATION:
            end_failed(story, scope, failure)
            return
        level, after_fallback = owner, label == FALLBACK
        if after_fallback:
            continue
        match _said_by_holder(story, owner):
            case OnBranchFailure.CONTINUE:
                end_failed(story, scope, failure)
                return
            case OnBranchFailure.FAIL:
                _obey(story, owner, OnFailure.FAIL, _Failed(path, cause, failure))
                return
            case OnBranchFailure.CANCEL_OTHERS:
                failed = owner
            case int(join):
                told = f"of the {join} branches that it needs only {join - 1} can still be done: {failure.message}"
                failed, cause = owner, owner
                failure = Failure(failure.category, "JOIN_OUT_OF_REACH", told)
            case None:
                pass


def fail_workflow(story: Story, path: str, failure: Failure) -> None:
    """Fail the workflow; and try again at once where the definition says so."""
    call_off(story)
    told = f"Step {path!r} failed ({failure.category}): {failure.message}" if path else failure.message
    story.tell(WorkflowFailed(story.now, path, failure.category, failure.code, told))
    workflow = story.workflow
    if workflow.retries < story.plan.definition.max_retries and not workflow.compensated:
        story.tell(WorkflowRetried(story.now, deadline(story.plan, story.now)))


def call_off(story: Story, beneath: str = "") -> None:
    """Cancel what is open, in the whole workflow or only inside of one step."""
    workflow = story.workflow
    _cancel(story, list(workflow.open if not beneath else frontier.open_beneath(story.plan, workflow, beneath)))


def end_failed(story: Story, scope: str, failure: Failure) -> None:
    """End a branch, element or compensation whose failure the others can do without."""
    _cancel(story, list(frontier.open_in(story.plan, story.workflow, scope)))
    story.tell(ScopeEnded(story.now, scope, failed=True, message=failure.message))


def go_on_compensating(story: Story) -> None:
    """Begin the next compensation, or fail when there is none left."""
    compensating = story.workflow.compensating
    assert compensating is not None
    if compensating.steps:
        story.tell(ScopeStarted(story.now, compensating.steps[0] + COMPENSATION))
    else:
        fail_workflow(story, compensating.cause, compensating.failure)


def _cancel(story: Story, paths: Iterable[str]) -> None:
    for path in sorted(paths):
        match story.workflow.open[path]:
            case OpenTask(task_id=task_id):
                story.tell(TaskCancelled(story.now, path, task_id))
            case OpenWait() | OpenApproval() | OpenChild():
                story.tell(StepCancelled(story.now, path))
            case OpenHolder() | OpenFallback():
                pass  # open for as long as what it holds


def _said_by_holder(story: Story, owner: str) -> OnBranchFailure | int | None:
    """Return what a step says about one of its bodies that fails; a number is a join that this puts out of reach."""
    match story.plan.node(owner).step.kind:
        case Parallel(join=int(join)):
            holder = story.workflow.open[owner]
            assert isinstance(holder, OpenHolder)
            is_within_reach = holder.count - holder.failed - 1 >= join
            return OnBranchFailure.CONTINUE if is_within_reach else join
        case Parallel(on_branch_failure=said) | ForEach(on_item_failure=said):
            return said
        case _:
            return None


def _of_definition(story: Story, failure: Failure) -> OnFailure:
    """Return what the definition says about a failure that nobody inside of it deals with."""
    handling = story.plan.definition.error_handling
    policy = handling.policies.get(failure.category)
    return handling.on_failure if policy is None else _OF_CATEGORY.get(policy, handling.on_failure)


def _obey(story: Story, level: str, on_failure: OnFailure, failed: _Failed) -> None:
    """Do at a level what is said there about something at it or inside of it that has failed."""
    match on_failure:
        case OnFailure.CONTINUE:
            _raise_to(story, level, failed)
            following = next_or_order(story, level, None, "failed")
            failure = failed.failure
            story.tell(FailureTolerated(story.now, level, following, failure.category, failure.code, failure.message))
        case OnFailure.FALLBACK:
            _raise_to(story, level, failed)
            _fall_back(story, level)
        case _ if COMPENSATION in failed.step:
            end_failed(story, _compensation_around(failed.step), failed.failure)
        case OnFailure.FAIL:
            fail_workflow(story, failed.cause, failed.failure)
        case OnFailure.COMPENSATE:
            _compensate(story, failed.cause, failed.failure)
        case _:
            assert_never(on_failure)


def _raise_to(story: Story, level: str, failed: _Failed) -> None:
    """Let the step at `level` fail for what failed inside of it."""
    if level != failed.step:
        call_off(story, level)
        failure = failed.failure
        story.tell(StepFailed(story.now, level, failure.category, failure.code, failure.message))


def _fall_back(story: Story, path: str) -> None:
    fallback = story.plan.node(path).step.fallback
    if isinstance(fallback, Constant):
        following = next_or_order(story, path, fallback.output, "completed")
        story.tell(
            StepCompleted(story.now, path, output=fallback.output, next=following, source="fallback", degraded=True)
        )
    else:
        story.tell(ScopeStarted(story.now, path + FALLBACK))


def _compensate(story: Story, cause: str, failure: Failure) -> None:
    """Undo what was done, the last first, and then fail."""
    call_off(story)
    undone = sorted(story.workflow.compensable.items(), key=lambda found: found[1][0], reverse=True)
    steps = tuple(step for step, _ in undone)
    story.tell(CompensationStarted(story.now, cause, failure.category, failure.code, failure.message, steps))


def _compensation_around(path: str) -> str:
    """Return the scope of the compensation that a step stands in."""
    return path[: path.index(COMPENSATION) + len(COMPENSATION)]
