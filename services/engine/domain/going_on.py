"""How a workflow goes on by itself: it begins steps that were reached, and ends what holds them when all are done."""

from __future__ import annotations

from typing import assert_never

from archwright.language.expressions import ExpressionFailed
from archwright.language.model import (
    AgentTask,
    Approval,
    ChildWorkflow,
    Emit,
    ErrorCategory,
    Fail,
    ForEach,
    Json,
    Loop,
    Parallel,
    SetVars,
    Switch,
    Wait,
)
from archwright.language.plan import Node, Scope
from services.engine.domain import beginning, frontier
from services.engine.domain.events import (
    Ref,
    ScopeEnded,
    ScopeStarted,
    StepCompleted,
    StepSkipped,
    StepStarted,
    WorkflowCompleted,
)
from services.engine.domain.failing import call_off, fail_step, fail_workflow, go_on_compensating
from services.engine.domain.paths import COMPENSATION, FALLBACK, label_of, number_of, owner_of
from services.engine.domain.routing import next_after
from services.engine.domain.story import Story
from services.engine.domain.values import Unread, assembled, scope_for, scope_of_output
from services.engine.domain.workflow import Failure, OpenHolder

ELEMENTS_MAX = 10_000
"""Of one foreach."""


def go_on(story: Story) -> None:
    """Do everything that can be done at once; complete the workflow if nothing is left."""
    while story.is_running:
        if story.ended_scopes:
            _end_scope(story, story.ended_scopes.popleft())
        elif story.touched:
            _advance(story, story.touched.popleft())
        elif story.workflow.ready:
            _begin_all(story)
        elif (compensating := story.workflow.compensating) is not None:
            if compensating.steps and compensating.steps[0] + COMPENSATION in story.workflow.scopes:
                return
            go_on_compensating(story)
        elif story.is_over:
            _complete(story)
        else:
            return


def _complete(story: Story) -> None:
    workflow = story.workflow
    try:
        scope = scope_of_output(story.plan, workflow, story.known)
        output = story.plan.output(scope, workflow.scopes[""].ends)
    except ExpressionFailed as error:
        fail_workflow(story, "", Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error)))
        return
    story.tell(WorkflowCompleted(story.now, output, workflow.degraded, workflow.missing))


def _begin_all(story: Story) -> None:
    """Begin what was reached. If that needs something read, it is said for all at once."""
    unread: set[str] = set()
    ready = story.workflow.ready
    for path in sorted(ready, key=ready.__getitem__) if len(ready) > 1 else tuple(ready):
        if path in story.workflow.ready and story.is_running:
            try:
                _begin(story, path)
            except Unread as needed:
                unread |= needed.cache_keys
    if unread:
        raise Unread(unread)


def _begin(story: Story, path: str) -> None:
    """Begin a step that was reached. An expression that fails fails its step."""
    node = story.plan.node(path)
    try:
        scope = story.scope(path, node)
        if node.when is not None and not node.when.is_true(scope):
            story.tell(StepSkipped(story.now, path, "its `when` is false"))
            return
        match node.step.kind:
            case AgentTask():
                beginning.make_task(story, path, node, scope)
            case Parallel():
                story.tell(StepStarted(story.now, path))
                for body in node.bodies:
                    story.tell(ScopeStarted(story.now, path + story.plan.bodies[body].label))
            case ForEach():
                _begin_foreach(story, path, node, node.expressions["items"].evaluate(scope))
            case Switch(cases=cases):
                holding = (n for n in range(len(cases)) if node.expressions[f"case.{n}"].is_true(scope))
                chosen = next(holding, None)  # a case after the first that holds is never asked
                _begin_switch(story, path, node, ".else" if chosen is None else f".{chosen}")
            case Loop():
                _begin_loop(story, path, node, scope)
            case ChildWorkflow():
                beginning.ask_for_child(story, path, node, scope)
            case Approval():
                beginning.ask_people(story, path, node, scope)
            case Wait():
                beginning.wait(story, path, node, scope)
            case SetVars():
                beginning.set_vars(story, path, node, scope)
            case Emit():
                beginning.emit(story, path, node, scope)
            case Fail(category=category):
                message = beginning.text(node.templates["message"], scope)
                fail_step(story, path, Failure(category, "FAILED_BY_DEFINITION", message))
            case _:
                assert_never(node.step.kind)
    except ExpressionFailed as error:
        fail_step(story, path, Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error)))
    except beginning.Unfit as unfit:
        fail_step(story, path, unfit.failure)


def _is_given_up(story: Story, owner: str) -> bool:
    """Return whether nothing comes of a step any more, because the workflow undoes what it did."""
    return story.workflow.compensating is not None and COMPENSATION not in owner


def _begin_foreach(story: Story, path: str, node: Node, items: Json) -> None:
    kind = node.step.kind
    assert isinstance(kind, ForEach)
    if not isinstance(items, list):
        raise beginning.Unfit(
            "NOT_A_LIST", f"The items of foreach {path!r} must be a list, but are {type(items).__name__}."
        )
    if len(items) > ELEMENTS_MAX:
        raise beginning.Unfit(
            "TOO_MANY_ELEMENTS", f"Foreach {path!r} has {len(items):,} elements; at most {ELEMENTS_MAX:,} are allowed."
        )
    story.tell(StepStarted(story.now, path, items=items))
    if not items:
        _finish(story, path, [])
        return
    for number in range(min(len(items), kind.max_concurrency or len(items))):
        story.tell(ScopeStarted(story.now, f"{path}[{number}]"))


def _begin_switch(story: Story, path: str, node: Node, label: str) -> None:
    if (node.index, label) not in story.plan.labels:
        story.tell(StepSkipped(story.now, path, "none of its cases holds"))
        return
    story.tell(StepStarted(story.now, path, case=label[1:]))
    story.tell(ScopeStarted(story.now, path + label))


def _begin_loop(story: Story, path: str, node: Node, scope: Scope) -> None:
    goes_round = node.expressions["while"].is_true(scope) if "while" in node.expressions else True
    story.tell(StepStarted(story.now, path))
    if goes_round:
        story.tell(ScopeStarted(story.now, f"{path}[0]"))
    else:
        _finish(story, path, None)


def _end_scope(story: Story, scope: str) -> None:
    """End a body, if nothing is left to be done in it."""
    found = story.workflow.scopes.get(scope)
    if found is None or found.live:
        return
    owner, label = owner_of(scope), label_of(scope)
    node = story.plan.node(owner)
    if label == COMPENSATION:
        story.tell(ScopeEnded(story.now, scope))
    elif label == FALLBACK:
        result = frontier.result_of(story.plan, story.workflow, scope)
        story.tell(ScopeEnded(story.now, scope))
        _finish(story, owner, result, source="fallback")
    elif isinstance(node.step.kind, Loop):
        _end_iteration(story, scope, owner, node, node.step.kind)
    else:
        story.tell(ScopeEnded(story.now, scope))


def _end_iteration(story: Story, scope: str, owner: str, node: Node, loop: Loop) -> None:
    seen = scope_for(story.plan, story.workflow, story.known, scope, node)
    try:
        if "until" in node.expressions:
            goes_round = not node.expressions["until"].is_true(seen)
        else:
            goes_round = node.expressions["while"].is_true(seen)
    except ExpressionFailed as error:
        fail_step(story, owner, Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error)))
        return
    result = frontier.result_of(story.plan, story.workflow, scope)
    story.tell(ScopeEnded(story.now, scope))
    iterations = number_of(scope) + 1
    if not goes_round:
        _finish(story, owner, result)
    elif iterations < loop.max_iterations:
        story.tell(ScopeStarted(story.now, f"{owner}[{iterations}]"))
    else:
        told = f"Loop {owner!r} was not done after its max_iterations of {loop.max_iterations}."
        fail_step(story, owner, Failure(ErrorCategory.PERMANENT, "LOOP_LIMIT", told))


def _advance(story: Story, owner: str) -> None:
    """Go on with a step of whose bodies one has ended: begin the next, or end the step."""
    holder = story.workflow.open.get(owner)
    if not isinstance(holder, OpenHolder) or _is_given_up(story, owner):
        return
    match story.plan.node(owner).step.kind:
        case Parallel(join=join):
            if holder.ended == holder.count or (join is not None and holder.ended - holder.failed >= join):
                call_off(story, owner)
                # A branch that was called off came to nothing, as one that failed.
                _finish(story, owner, {name: holder.results.get(name) for name in _branches(story, owner)})
        case ForEach(max_concurrency=most):
            if holder.ended == holder.count:
                _finish(story, owner, [holder.results[str(number)] for number in range(holder.count)])
            else:
                until = min(holder.count, holder.ended + (most or holder.count))
                for number in range(holder.begun, until):
                    story.tell(ScopeStarted(story.now, f"{owner}[{number}]"))
        case Switch() if holder.ended:
            _finish(story, owner, holder.results[holder.case])
        case _:
            pass  # an iteration of a loop is gone on with where it ends


def _branches(story: Story, owner: str) -> list[str]:
    """Return the names of a parallel step's branches, in their order."""
    plan = story.plan
    return [plan.bodies[body].label[1:] for body in plan.node(owner).bodies]


def _finish(story: Story, path: str, parts: Ref, source: str = "") -> None:
    """End a step that held others, or whose fallback is done."""
    node = story.plan.node(path)
    try:
        output = assembled(parts, story.known.values) if node.routes or node.step.output_schema is not None else None
        beginning.require_fit(node.step.output_schema, output, path, "output")
        following = next_after(story, path, output)
    except ExpressionFailed as error:
        failure = Failure(ErrorCategory.PERMANENT, "EXPRESSION_FAILED", str(error))
        fail_step(story, path, failure, after_fallback=source == "fallback")
    except beginning.Unfit as unfit:
        fail_step(story, path, unfit.failure, after_fallback=source == "fallback")
    else:
        done = StepCompleted(story.now, path, parts=parts, next=following, source=source, degraded=source == "fallback")
        story.tell(done)
