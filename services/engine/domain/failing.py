"""What becomes of a workflow when a step of it has failed for good.

The innermost policy wins: that of the step, then that of its branch or element, then that of the step around it, and
so on outwards to the definition's. `fail` anywhere fails the workflow; where nobody says anything, the definition's
own policy does, and without one the workflow fails.
"""

from __future__ import annotations

from collections.abc import Iterable

from archwright.language.model import (
    CategoryPolicy,
    Constant,
    ErrorCategory,
    ForEach,
    OnBranchFailure,
    OnFailure,
    Parallel,
    Step,
)
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
    is_beneath,
    is_within,
    label_of,
    owner_of,
    scope_of,
)
from services.engine.domain.routing import next_without_output
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

_OF_CATEGORY = {
    CategoryPolicy.CONTINUE: OnFailure.CONTINUE,
    CategoryPolicy.COMPENSATE: OnFailure.COMPENSATE,
    CategoryPolicy.FAIL: OnFailure.FAIL,
}


def fail_step(story: Story, path: str, failure: Failure) -> None:
    """Let a step fail that has no task, and do what the definition says about it."""
    story.tell(StepFailed(story.now, path, failure.category, failure.code, failure.message))
    handle(story, path, failure)


def handle(story: Story, path: str, failure: Failure, wish: OnFailure | None = None) -> None:
    """Do what the definition says about a step that has failed. While the workflow is paused that has to wait.

    `wish` is what the step itself says in this case, where that is not its `on_failure`.
    """
    if not story.is_running:
        return
    level = path
    skips_fallback = False
    while True:
        step = story.plan.node(level).step
        on_failure = wish if wish is not None and level == path else step.on_failure
        if on_failure is OnFailure.FALLBACK and skips_fallback:
            on_failure = None
        if on_failure is not None:
            _raise_to(story, path, level, failure)
            _obey(story, level, step, on_failure, failure)
            return
        scope = scope_of(level)
        if scope == ROOT_SCOPE:
            _by_definition(story, path, failure)
            return
        owner, label = owner_of(scope), label_of(scope)
        if label == COMPENSATION:
            end_failed(story, scope, failure)
            return
        if label != FALLBACK and _is_dealt_with_in(story, path, scope, owner, failure):
            return
        skips_fallback = label == FALLBACK
        level = owner


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
    _cancel(story, (path for path in story.workflow.open if not beneath or is_beneath(path, beneath)))


def _cancel(story: Story, paths: Iterable[str]) -> None:
    for path in sorted(paths):
        match story.workflow.open[path]:
            case OpenTask(task_id=task_id):
                story.tell(TaskCancelled(story.now, path, task_id))
            case OpenWait() | OpenApproval() | OpenChild():
                story.tell(StepCancelled(story.now, path))
            case OpenHolder() | OpenFallback():
                pass  # open for as long as what it holds


def _is_dealt_with_in(story: Story, path: str, scope: str, owner: str, failure: Failure) -> bool:
    """Return whether what holds the branch or element has a say in it, and what it says is done."""
    kind = story.plan.node(owner).step.kind
    said: OnBranchFailure | None = None
    match kind:
        case Parallel(join=join, on_branch_failure=said):
            holder = story.workflow.open[owner]
            if join is not None and isinstance(holder, OpenHolder):
                end_failed(story, scope, failure)
                if holder.count - holder.failed - 1 < join:
                    told = f"only {join - 1} of the {join} branches that it needs can still be done: {failure.message}"
                    out_of_reach = Failure(failure.category, "JOIN_OUT_OF_REACH", told)
                    call_off(story, owner)
                    fail_step(story, owner, out_of_reach)
                return True
        case ForEach(on_item_failure=said):
            pass
        case _:
            pass
    match said:
        case OnBranchFailure.CONTINUE:
            end_failed(story, scope, failure)
        case OnBranchFailure.FAIL:
            fail_workflow(story, path, failure)
        case OnBranchFailure.CANCEL_OTHERS:
            call_off(story, owner)
            fail_step(story, owner, failure)
        case None:
            return False
    return True


def end_failed(story: Story, scope: str, failure: Failure) -> None:
    """End a branch or element whose failure the others can do without."""
    _cancel(story, (path for path in story.workflow.open if is_within(path, scope)))
    story.tell(ScopeEnded(story.now, scope, failed=True, message=failure.message))


def _raise_to(story: Story, path: str, level: str, failure: Failure) -> None:
    """Let the step at `level` fail for what failed inside of it."""
    if level != path:
        call_off(story, level)
        story.tell(StepFailed(story.now, level, failure.category, failure.code, failure.message))


def _obey(story: Story, level: str, step: Step, on_failure: OnFailure, failure: Failure) -> None:
    match on_failure:
        case OnFailure.FAIL:
            fail_workflow(story, level, failure)
        case OnFailure.CONTINUE:
            _tolerate(story, level, failure)
        case OnFailure.COMPENSATE:
            compensate(story, level, failure)
        case OnFailure.FALLBACK:
            if isinstance(step.fallback, Constant):
                output = step.fallback.output
                following = next_without_output(story, level)
                story.tell(
                    StepCompleted(story.now, level, output=output, next=following, source="fallback", degraded=True)
                )
            else:
                story.tell(ScopeStarted(story.now, level + FALLBACK))


def _by_definition(story: Story, path: str, failure: Failure) -> None:
    handling = story.plan.definition.error_handling
    policy = handling.policies.get(failure.category)
    on_failure = handling.on_failure if policy is None else _OF_CATEGORY.get(policy, handling.on_failure)
    match on_failure:
        case OnFailure.CONTINUE:
            _tolerate(story, path, failure)
        case OnFailure.COMPENSATE:
            compensate(story, path, failure)
        case _:
            fail_workflow(story, path, failure)


def _tolerate(story: Story, path: str, failure: Failure) -> None:
    following = next_without_output(story, path)
    story.tell(FailureTolerated(story.now, path, following, failure.category, failure.code, failure.message))


def compensate(story: Story, path: str, failure: Failure) -> None:
    """Undo what was done, the last first, and then fail."""
    call_off(story)
    undone = sorted(story.workflow.compensable.items(), key=lambda found: found[1][0], reverse=True)
    steps = tuple(step for step, _ in undone)
    story.tell(
        CompensationStarted(story.now, path, ErrorCategory(failure.category), failure.code, failure.message, steps)
    )
    go_on_compensating(story)


def go_on_compensating(story: Story) -> None:
    """Begin the next compensation, or fail when there is none left."""
    compensating = story.workflow.compensating
    assert compensating is not None
    if compensating.steps:
        scope = compensating.steps[0] + COMPENSATION
        if scope not in story.workflow.scopes:
            story.tell(ScopeStarted(story.now, scope))
    else:
        fail_workflow(story, compensating.cause, compensating.failure)
