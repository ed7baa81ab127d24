"""What an event makes of a workflow. Total: events have already happened, so nothing here can refuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from immutables import Map

from archwright.language.graph import Targets
from archwright.language.model import REQUESTER, ForEach, Loop, Parallel
from archwright.language.plan import ROOT, Node, Plan
from services.engine.domain import frontier
from services.engine.domain.events import (
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalInvalidated,
    ApprovalRequested,
    ChildStarted,
    CompensationStarted,
    Event,
    EventEmitted,
    FailureTolerated,
    Ref,
    ScopeEnded,
    ScopeStarted,
    SignalReceived,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepSkipped,
    StepStarted,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskRepairRequested,
    TaskRetried,
    TimerDue,
    WaitStarted,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowResumed,
    WorkflowRetried,
    WorkflowStarted,
)
from services.engine.domain.paths import (
    COMPENSATION,
    FALLBACK,
    ROOT_SCOPE,
    body_of,
    label_of,
    number_of,
    owner_of,
    scope_of,
)
from services.engine.domain.shown_files import files_after
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import (
    Compensating,
    Exhausted,
    Failure,
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenTask,
    OpenWait,
    Workflow,
)

END = "end"
"""As `next` of an event: the step's path is finished."""

REQUESTS_KEPT = 32
"""How many of the last requests are remembered, so that a repeated one changes nothing."""

MISSING_NAMED_MAX = 100
"""How many of the steps and bodies that were done without are named."""

_NO_VARS: Map[str, int] = Map()


def fold(plan: Plan, workflow: Workflow, events: Iterable[Event]) -> Workflow:
    """Return the workflow after all of `events`."""
    after = workflow.copy()
    for event in events:
        apply(plan, after, event)
    return after


def evolve(plan: Plan, workflow: Workflow, event: Event) -> Workflow:
    """Return the workflow after `event`."""
    return fold(plan, workflow, (event,))


def apply(plan: Plan, workflow: Workflow, event: Event) -> None:
    """Change a workflow, which must be a private copy, by `event`."""
    workflow.last_seq += 1
    match event:
        # What happens at every step comes first.
        case TaskCompleted():
            _task_completed(plan, workflow, event)
        case TaskCreated():
            _task_created(plan, workflow, event)
        case TaskFailed() | TaskRetried() | TaskRepairRequested():
            _attempt_ended(plan, workflow, event)
        case StepCompleted():
            _step_completed(plan, workflow, event)
        case (
            StepStarted()
            | WaitStarted()
            | ApprovalRequested()
            | ApprovalInvalidated()
            | ApprovalDecided()
            | ApprovalEscalated()
            | ChildStarted()
            | EventEmitted()
        ):
            _step_goes_on(plan, workflow, event)
        case ScopeStarted(scope=scope):
            _scope_started(plan, workflow, scope)
        case ScopeEnded():
            _scope_ended(plan, workflow, event)
        case StepSkipped(step=step):
            node = plan.node(step)
            _end_step(plan, workflow, step, node, node.skipped, None, "skipped")
        case StepFailed(step=step):
            _step_failed(plan, workflow, step, Failure(event.category, event.code, event.message))
        case TaskCancelled(step=step) | StepCancelled(step=step):
            _give_up(workflow, step)
        case FailureTolerated(step=step):
            _do_without(workflow, step)
            node = plan.node(step)
            _end_step(plan, workflow, step, node, _targets(plan, node, event.next), None, "failed")
        case CompensationStarted():
            _compensation_started(workflow, event)
        case SignalReceived(name=name):
            came = 0 if event.payload is None else workflow.last_seq
            workflow.signals = workflow.signals.set(name, (*workflow.signals.get(name, ()), came))
            _remember(workflow, event.request_id)
        case TimerDue(key=key, generation=generation):
            workflow.due = workflow.due.set(key, generation)
        case (
            WorkflowCreated()
            | WorkflowStarted()
            | WorkflowPaused()
            | WorkflowResumed()
            | WorkflowCompleted()
            | WorkflowFailed()
            | WorkflowRetried()
            | WorkflowCancelled()
        ):
            _moved(plan, workflow, event)
        case _:
            assert_never(event)


def _moved(
    plan: Plan,
    workflow: Workflow,
    event: WorkflowCreated
    | WorkflowStarted
    | WorkflowPaused
    | WorkflowResumed
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowRetried
    | WorkflowCancelled,
) -> None:
    match event:
        case WorkflowCreated(at=at, request_id=request_id, parent=parent):
            workflow.created_at, workflow.request_id, workflow.parent = at, request_id, parent
            if REQUESTER in plan.separates:
                workflow.requesters = (event.user_id, *event.on_behalf_of)
            # Reached already: a rerun takes steps over before it is started.
            frontier.open_scope(plan, workflow, ROOT_SCOPE)
        case WorkflowStarted(at=at, deadline=deadline):
            workflow.status, workflow.started_at, workflow.deadline = WorkflowStatus.RUNNING, at, deadline
        case WorkflowPaused(at=at, user_id=user_id):
            workflow.status, workflow.paused_at, workflow.paused_by = WorkflowStatus.PAUSED, at, user_id
            _remember(workflow, event.request_id)
        case WorkflowResumed(deadline=deadline):
            workflow.status, workflow.paused_at, workflow.paused_by = WorkflowStatus.RUNNING, None, ""
            workflow.deadline = deadline
            workflow.clock += 1
            workflow.due = Map()
            _remember(workflow, event.request_id)
        case WorkflowCompleted(at=at):
            workflow.status, workflow.ended_at = WorkflowStatus.COMPLETED, at
            _forget_everything(workflow)
        case WorkflowFailed(at=at, message=message):
            workflow.status, workflow.ended_at, workflow.error = WorkflowStatus.FAILED, at, message
            # Steps that were reached but not begun are begun anew by a retry too.
            workflow.given_up, workflow.ready = workflow.given_up.update(workflow.ready), Map()
            workflow.unhandled = Map()
            workflow.compensated = workflow.compensating is not None
            workflow.compensating = None
        case WorkflowRetried(deadline=deadline):
            workflow.status, workflow.ended_at, workflow.error = WorkflowStatus.RUNNING, None, ""
            workflow.deadline = deadline
            workflow.retries += 1
            workflow.clock += 1
            workflow.ready, workflow.given_up, workflow.exhausted = workflow.given_up, Map(), Map()
            if event.user_id and event.user_id not in workflow.requesters:
                workflow.requesters = (*workflow.requesters, event.user_id)
            if event.input is not None:
                workflow.edited = workflow.edited.set(event.step, workflow.last_seq)
            _remember(workflow, event.request_id)
        case WorkflowCancelled(at=at):
            workflow.status, workflow.ended_at = WorkflowStatus.CANCELLED, at
            _forget_everything(workflow)
            _remember(workflow, event.request_id)


def _task_created(plan: Plan, workflow: Workflow, event: TaskCreated) -> None:
    path, node = event.step, plan.node(event.step)
    workflow.ready = workflow.ready.delete(path)
    workflow.open = workflow.open.set(
        path,
        OpenTask(
            event.task_id,
            idempotency_key=event.idempotency_key,
            cache_key=event.cache_key,
            vars=workflow.vars if node.shows_vars else _NO_VARS,
        ),
    )
    if node.compensation is not None:
        workflow.compensable = workflow.compensable.set(path, (workflow.last_seq, "unknown"))


def _task_completed(plan: Plan, workflow: Workflow, event: TaskCompleted) -> None:
    node = plan.node(event.step)
    workflow.completed += 1
    if event.usage:
        workflow.spent_tokens += _counted(event, "input_tokens") + _counted(event, "output_tokens")
        workflow.spent_micros += _counted(event, "cost_micros")
    if event.artifacts and plan.shown_artifacts:
        workflow.files = files_after(plan, workflow, event.artifacts)
    if node.compensation is not None:
        workflow.compensable = workflow.compensable.set(event.step, (workflow.last_seq, "completed"))
    ref = None if event.output is None else workflow.last_seq
    _end_step(plan, workflow, event.step, node, _targets(plan, node, event.next), ref, "completed")


def _counted(event: TaskCompleted, name: str) -> int:
    """Return a figure of what a task took; an agent that tells none, or less than none, took nothing."""
    told = event.usage.get(name)
    return max(0, told) if isinstance(told, int) else 0


def _step_completed(plan: Plan, workflow: Workflow, event: StepCompleted) -> None:
    path = event.step
    node = plan.node(path)
    was = workflow.open.get(path)
    ref: Ref = event.parts
    if ref is None and event.output is not None:
        ref = workflow.last_seq
    for name in event.vars:
        workflow.vars = workflow.vars.set(name, workflow.last_seq)
    if was is None and path not in workflow.ready and path not in workflow.given_up:
        # Inside of a step that a rerun takes over: no more of it counts than what can be read from outside.
        frontier.keep_named(plan, workflow, plan.bodies[ROOT], ROOT_SCOPE, path, ref)
        return
    if isinstance(was, OpenHolder):
        _gather(plan, workflow, path, was)
        frontier.drop_beneath(plan, workflow, path)
    elif isinstance(was, OpenWait) and event.source == "signal":
        _consume_signal(workflow, was.signal)
    workflow.degraded = workflow.degraded or event.degraded
    workflow.completed += 1
    if node.compensation is not None and event.source != "rerun":  # a workflow undoes what it did itself
        workflow.compensable = workflow.compensable.set(path, (workflow.last_seq, "completed"))
    _end_step(plan, workflow, path, node, _targets(plan, node, event.next), ref, "completed")


def _attempt_ended(plan: Plan, workflow: Workflow, event: TaskFailed | TaskRetried | TaskRepairRequested) -> None:
    path = event.step
    was = workflow.open[path]
    assert isinstance(was, OpenTask)
    match event:
        case TaskFailed(retry_at=None):
            workflow.open = workflow.open.delete(path)
            _step_failed(plan, workflow, path, Failure(event.category, event.code, event.message))
            failed = Exhausted(event.task_id, workflow.last_seq, event.attempt, event.category, event.code)
            workflow.exhausted = workflow.exhausted.set(path, failed)
        case TaskFailed(attempt=attempt, failures=failures, retry_at=retry_at):
            now = was._replace(failures=failures, attempt=attempt, retry_at=retry_at)
            workflow.open = workflow.open.set(path, now)
        case TaskRetried():
            workflow.open = workflow.open.set(path, was._replace(retry_at=None))
        case TaskRepairRequested(attempt=attempt, repairs=repairs, errors=errors):
            workflow.open = workflow.open.set(path, was._replace(attempt=attempt, repairs=repairs, errors=errors))


def _step_goes_on(
    plan: Plan,
    workflow: Workflow,
    event: StepStarted
    | WaitStarted
    | ApprovalRequested
    | ApprovalInvalidated
    | ApprovalDecided
    | ApprovalEscalated
    | ChildStarted
    | EventEmitted,
) -> None:
    path, seq = event.step, workflow.last_seq
    if isinstance(event, EventEmitted):
        return  # the step ends with the event that follows
    node = plan.node(path)
    if path in workflow.ready:
        workflow.ready = workflow.ready.delete(path)
        if node.compensation is not None:
            workflow.compensable = workflow.compensable.set(path, (seq, "unknown"))
    match event:
        case StepStarted(items=items, case=case):
            count = len(items) if isinstance(node.step.kind, ForEach) else 1 if case else len(node.bodies)
            holder = OpenHolder(count, case=case, items_seq=0 if items is None else seq)
            workflow.open = workflow.open.set(path, holder)
            if items is not None and plan.compensates:
                workflow.elements = workflow.elements.set(path, seq)
        case WaitStarted(until=until, signal=signal):
            workflow.open = workflow.open.set(path, OpenWait(seq, until, signal))
        case ApprovalRequested():
            asked = OpenApproval(
                event.approval_id,
                event.approvers,
                event.quorum,
                event.shown_sha256,
                seq,
                seq,
                event.expires_at,
            )
            workflow.open = workflow.open.set(path, asked)
        case ApprovalDecided(approved=approved, user_id=user_id):
            was = workflow.open[path]
            assert isinstance(was, OpenApproval)
            if approved:
                workflow.open = workflow.open.set(path, replace(was, agreed=(*was.agreed, user_id)))
                if node.name in plan.separates:
                    workflow.agreed = workflow.agreed.set(node.name, (*workflow.agreed.get(node.name, ()), user_id))
            _remember(workflow, event.request_id)
        case ApprovalInvalidated(shown_sha256=shown_sha256):
            was = workflow.open[path]
            assert isinstance(was, OpenApproval)
            workflow.open = workflow.open.set(path, replace(was, shown_sha256=shown_sha256, agreed=()))
            workflow.agreed = workflow.agreed.delete(node.name) if node.name in workflow.agreed else workflow.agreed
        case ApprovalEscalated(approvers=approvers, expires_at=expires_at):
            was = workflow.open[path]
            assert isinstance(was, OpenApproval)
            now = replace(was, approvers=approvers, generation=seq, expires_at=expires_at, escalated=True)
            workflow.open = workflow.open.set(path, now)
        case ChildStarted(child_id=child_id):
            workflow.open = workflow.open.set(path, OpenChild(child_id))


def _scope_started(plan: Plan, workflow: Workflow, scope: str) -> None:
    owner, label = owner_of(scope), label_of(scope)
    if label == FALLBACK:
        failure = workflow.unhandled[owner]
        frontier.forgive(workflow, owner)
        workflow.open = workflow.open.set(owner, OpenFallback(failure))
        workflow.degraded = True
    elif label != COMPENSATION:
        holder = workflow.open[owner]
        assert isinstance(holder, OpenHolder)
        workflow.open = workflow.open.set(owner, replace(holder, begun=holder.begun + 1))
    frontier.open_scope(plan, workflow, scope)


def _scope_ended(plan: Plan, workflow: Workflow, event: ScopeEnded) -> None:
    scope = event.scope
    owner, label = owner_of(scope), label_of(scope)
    if label == COMPENSATION:
        compensating = workflow.compensating
        assert compensating is not None
        workflow.compensating = replace(compensating, steps=compensating.steps[1:])
    elif label == FALLBACK:
        frontier.hand_outwards(plan, workflow, scope, scope_of(owner))
    else:
        _body_ended(plan, workflow, event, owner, label)
    exhausted = workflow.exhausted
    frontier.close_scope(plan, workflow, scope)
    if label == COMPENSATION and event.failed:  # what could not be undone waits for a person
        workflow.exhausted = exhausted


def _body_ended(plan: Plan, workflow: Workflow, event: ScopeEnded, owner: str, label: str) -> None:
    """Count a body of a step that holds several, and keep what it came to."""
    scope, kind = event.scope, plan.node(owner).step.kind
    holder = workflow.open[owner]
    assert isinstance(holder, OpenHolder)
    ref = None if event.failed else frontier.result_of(plan, workflow, scope)
    gathered = holder.gathered
    match kind:
        case ForEach():
            key = str(number_of(scope))
            results = holder.results.set(key, ref)
            for name in body_of(plan, scope).exports:
                kept = workflow.outputs.get(f"{scope}/{name}")
                refs = gathered.get(name, Map()).set(key, None if kept is None else kept.ref)
                gathered = gathered.set(name, refs)
        case Loop():
            results = Map({str(number_of(scope)): ref})
            frontier.hand_outwards(plan, workflow, scope, scope_of(owner))
        case _:
            results = holder.results.set(label[1:], ref)
            frontier.hand_outwards(plan, workflow, scope, scope_of(owner))
    failed = holder.failed + event.failed
    workflow.open = workflow.open.set(owner, replace(holder, results=results, failed=failed, gathered=gathered))
    if event.failed and not (isinstance(kind, Parallel) and kind.join is not None):
        _do_without(workflow, scope)


def _gather(plan: Plan, workflow: Workflow, path: str, holder: OpenHolder) -> None:
    """Hand outwards what steps inside of a foreach came to: a list each, in the order of the elements."""
    scope = scope_of(path)
    body = body_of(plan, scope)
    node = plan.node(path)
    if not isinstance(node.step.kind, ForEach):
        return
    for name in plan.bodies[node.bodies[0]].exports:
        refs = holder.gathered.get(name, Map())
        ordered = [refs.get(str(number)) for number in range(holder.count)]
        frontier.keep_named(plan, workflow, body, scope, name, ordered)


def _step_failed(plan: Plan, workflow: Workflow, path: str, failure: Failure) -> None:
    was = workflow.open.get(path)
    if was is not None:
        if isinstance(was, OpenWait) and was.signal in workflow.signals:
            _consume_signal(workflow, was.signal)  # a wait for a signal that has come fails by what it says
        frontier.drop_beneath(plan, workflow, path)
        workflow.open = workflow.open.delete(path)
    if path in workflow.ready:
        workflow.ready = workflow.ready.delete(path)
    workflow.reached += 1
    workflow.given_up = workflow.given_up.set(path, workflow.reached)
    workflow.unhandled = workflow.unhandled.set(path, failure)
    if path in workflow.compensable:
        workflow.compensable = workflow.compensable.set(path, (workflow.last_seq, "failed"))


def _give_up(workflow: Workflow, path: str) -> None:
    workflow.open = workflow.open.delete(path)
    workflow.reached += 1
    workflow.given_up = workflow.given_up.set(path, workflow.reached)


def _end_step(plan: Plan, workflow: Workflow, path: str, node: Node, targets: Targets, ref: Ref, status: str) -> None:
    """Take a step out of everything that is under way, and go where it leads."""
    scope = scope_of(path)
    if path in workflow.open:
        workflow.open = workflow.open.delete(path)
    elif path in workflow.ready:
        workflow.ready = workflow.ready.delete(path)
    if path in workflow.given_up:
        frontier.forgive(workflow, path)
    if path in workflow.edited:
        workflow.edited = workflow.edited.delete(path)
    frontier.keep(plan, workflow, scope, node, ref, status)
    frontier.leave(plan, workflow, scope, node, targets)


def _targets(plan: Plan, node: Node, told: str) -> Targets:
    """Return where an event says that a step leads."""
    if not told:
        return node.otherwise
    return () if told == END else plan.entered[plan.index[told]]


def _compensation_started(workflow: Workflow, event: CompensationStarted) -> None:
    failure = Failure(event.category, event.code, event.message)
    workflow.compensating = Compensating(event.steps, event.step, failure)
    workflow.ready, workflow.unhandled, workflow.exhausted = Map(), Map(), Map()


def _do_without(workflow: Workflow, missing: str) -> None:
    workflow.degraded = True
    if len(workflow.missing) < MISSING_NAMED_MAX:
        workflow.missing = (*workflow.missing, missing)


def _forget_everything(workflow: Workflow) -> None:
    """Keep nothing of a workflow that never goes on but what its history does not say at once."""
    workflow.ready, workflow.open, workflow.waiting, workflow.scopes = Map(), Map(), Map(), Map()
    workflow.outputs, workflow.vars, workflow.signals, workflow.elements = Map(), Map(), Map(), Map()
    workflow.given_up, workflow.unhandled, workflow.due, workflow.compensable = Map(), Map(), Map(), Map()
    workflow.exhausted, workflow.edited = Map(), Map()


def _consume_signal(workflow: Workflow, name: str) -> None:
    rest = workflow.signals[name][1:]
    workflow.signals = workflow.signals.set(name, rest) if rest else workflow.signals.delete(name)


def _remember(workflow: Workflow, request_id: str) -> None:
    if request_id:
        workflow.requests = (*workflow.requests, request_id)[-REQUESTS_KEPT:]
