"""The invariants, one function each: what it finds wrong, in sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta

from checker.approvals import i3_questions_are_as_told
from checker.beginnings import i1_firings_start_what_they_say, i5_reruns_do_nothing_again
from checker.facts import Applied, Facts, Grant, Outside, TaskFacts, WorkflowFacts
from checker.tenants import i9_tenants_see_their_own
from services.engine.domain.clocks import APPROVAL, DEADLINE_TIMER, RETRY, WAIT
from services.engine.domain.events import (
    ApprovalDecided,
    ScopeEnded,
    ScopeStarted,
    SignalReceived,
    TaskCompleted,
    TaskFailed,
    TaskRepairRequested,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowCreated,
    WorkflowFailed,
    WorkflowPaused,
    WorkflowResumed,
    WorkflowRetried,
)
from services.engine.domain.paths import owner_of
from services.engine.domain.transitions import WORKFLOW_TRANSITIONS, TaskStatus, WorkflowStatus
from services.engine.domain.workflow import OpenApproval, OpenTask, OpenWait, Workflow
from services.engine.ports.keys import Key
from services.engine.storage.commits import next_hash

OUTBOX_SECONDS_MAX = 30.0
FLOW_SECONDS_MAX = 30.0
BACKLOG_FACTOR_MAX = 2
OF_WORKFLOWS = frozenset({"history", "artifact_references", "approvals", "dead_letters"})
"""Tables whose rows go with their workflow."""

_TERMINAL = (WorkflowCompleted, WorkflowFailed, WorkflowCancelled)
_STOPPED = frozenset({WorkflowStatus.PENDING, WorkflowStatus.PAUSED})
_GOING = frozenset({TaskStatus.PENDING, TaskStatus.ASSIGNED, TaskStatus.IN_PROGRESS})


def found_wrong(facts: Facts, outside: Outside | None = None) -> list[str]:
    """Return every violation of every invariant."""
    seen = outside or Outside()
    return [violation for invariant in INVARIANTS for violation in invariant(facts, seen)]


def i1_no_workflow_is_lost(facts: Facts, outside: Outside) -> Iterator[str]:
    """Every acknowledged start exists, and is over or has something that will move it on."""
    existing = {found.key for found in facts.workflows} | {each.key for each in outside.removed}
    for key in outside.acknowledged or ():
        if key not in existing:
            yield f"I1 workflow {key.workflow_id} was acknowledged and does not exist"
    tasks = {(task.key, task.task_id): task for task in facts.tasks}
    timers = {(timer.key, timer.name) for timer in facts.timers}
    for found in facts.workflows:
        workflow = found.current
        if workflow.status.is_final:
            continue
        if outside.must_be_over:
            what = f"{workflow.workflow_id} of {found.plan.definition.name}"
            yield f"I1 workflow {what} is {workflow.status} and was to be over: {_frontier(found.key, workflow, tasks)}"
        if workflow.status is WorkflowStatus.RUNNING and (found.key, DEADLINE_TIMER) not in timers:
            yield f"I1 workflow {workflow.workflow_id} is running and has no timer for its deadline"
        for path, step in workflow.open.items():
            if isinstance(step, OpenTask) and step.retry_at is None:
                task = tasks.get((found.key, step.task_id))
                if task is None:
                    yield f"I1 step {path!r} of {workflow.workflow_id} waits for task {step.task_id}, that has no row"
                elif workflow.status is WorkflowStatus.RUNNING and task.status not in _GOING:
                    yield f"I1 task {step.task_id} is {task.status}, but workflow {workflow.workflow_id} is running"
            name = _timer_of(path, step)
            if name and (found.key, name) not in timers and name not in workflow.due:
                yield f"I1 step {path!r} of {workflow.workflow_id} waits for timer {name!r}, which has no row"


def i1_only_what_is_due_is_removed(facts: Facts, outside: Outside) -> Iterator[str]:
    """Retention takes away what ended long enough ago, and nothing else."""
    for each in outside.removed:
        if not each.status.is_final or each.ended_at is None:
            yield f"I1 workflow {each.key.workflow_id} was removed while it was {each.status}"
        elif each.ended_at >= each.due_before:
            early = (each.ended_at - each.due_before).total_seconds()
            yield f"I1 workflow {each.key.workflow_id} was removed {early:.3f} s too early"


def i2_one_terminal_event(facts: Facts, outside: Outside) -> Iterator[str]:
    """There is one terminal event per execution, and nothing after it but a retry."""
    for found in facts.workflows:
        ended_at = 0
        for seq, event in enumerate(found.events, start=1):
            if ended_at and not isinstance(event, WorkflowRetried):
                name = type(event).__name__
                yield f"I2 {name} at seq {seq} of {found.key.workflow_id}, which ended at seq {ended_at}"
            ended_at = seq if isinstance(event, _TERMINAL) else 0
        if found.status.is_final and not ended_at:
            yield f"I2 workflow {found.key.workflow_id} is {found.status} without a terminal event"
        if ended_at and not found.status.is_final:
            yield f"I2 workflow {found.key.workflow_id} is {found.status} after a terminal event"


def i3_history_is_whole(facts: Facts, outside: Outside) -> Iterator[str]:
    """History is contiguous from 1, its chain of hashes intact, and folding it gives the stored state."""
    for found in facts.workflows:
        name, head, last = found.key.workflow_id, b"", 0
        for commit in found.commits:
            if commit.first_seq != last + 1:
                yield f"I3 history of {name} goes on at {commit.first_seq} after {last}"
            last = commit.first_seq + commit.count - 1
            head = next_hash(head, found.key, commit.first_seq, commit.count, commit.body)
            if head != commit.hash:
                yield f"I3 the chain of hashes of {name} breaks at seq {commit.first_seq}"
                head = commit.hash
        if head != found.head_hash:
            yield f"I3 the row of {name} names another hash than its history ends in"
        if last != found.last_seq or len(found.events) != last:
            yield f"I3 the row of {name} says seq {found.last_seq}; its history has {len(found.events)} up to {last}"
        if found.folded.impossible:
            yield f"I3 history of {name} cannot have happened: {found.folded.impossible}"
        elif different := _unlike_its_history(found):
            yield f"I3 folding the history of {name} does not give the stored state: {', '.join(different)}"


def i4_only_legal_moves(facts: Facts, outside: Outside) -> Iterator[str]:
    """Every move of a workflow is in the table, and its version grew by one per commit."""
    for found in facts.workflows:
        before = WorkflowStatus.PENDING
        for seq, workflow in enumerate(found.folded.after, start=1):
            if workflow.status is not before and workflow.status not in WORKFLOW_TRANSITIONS[before]:
                yield f"I4 {before} became {workflow.status} at seq {seq} of {found.key.workflow_id}"
            before = workflow.status
        if found.version != len(found.commits):
            yield f"I4 workflow {found.key.workflow_id} has version {found.version} after {len(found.commits)} commits"


def i5_results_are_applied_once(facts: Facts, outside: Outside) -> Iterator[str]:
    """A task's result is applied once, and effects repeat under distinct attempts only."""
    for found in facts.workflows:
        applied = Counter(event.task_id for event in found.events if isinstance(event, TaskCompleted))
        for task_id, times in applied.items():
            if times > 1:
                yield f"I5 the result of task {task_id} of {found.key.workflow_id} was applied {times} times"
    if outside.effects is None:
        return
    for effect, times in Counter(outside.effects).items():
        if times > 1:
            yield f"I5 attempt {effect.attempt} at task {effect.task_id} had its effect {times} times"
    effects = {(effect.task_id, effect.attempt) for effect in outside.effects}
    for found in facts.workflows:
        for event in found.events:
            if isinstance(event, TaskCompleted) and (event.task_id, event.attempt) not in effects:
                yield f"I5 a result of attempt {event.attempt} at task {event.task_id} was applied that no agent had"


def i6_no_older_fence_writes(facts: Facts, outside: Outside) -> Iterator[str]:
    """Nothing is written for a delivery after a newer one was granted."""
    for found in facts.workflows:
        ended: dict[str, int] = {}
        for event in found.events:
            if not isinstance(event, TaskCompleted | TaskFailed | TaskRepairRequested):
                continue
            last = ended.get(event.task_id, -1)
            # A wait in the queue that takes too long fails the attempt after which it began.
            is_older = event.attempt < last or (event.attempt == last and not isinstance(event, TaskFailed))
            if is_older:
                yield f"I6 attempt {event.attempt} at task {event.task_id} counted after attempt {last} had ended"
            ended[event.task_id] = max(last, event.attempt)
    yield from _overtaken(outside.grants, outside.applied)


def i7_every_event_is_published(facts: Facts, outside: Outside) -> Iterator[str]:
    """Every event reaches the bus, subscribers see each workflow's in order, and the outbox drains."""
    for commit in facts.unpublished:
        if commit.age_seconds > OUTBOX_SECONDS_MAX:
            yield f"I7 commit {commit.batch_id} has waited {commit.age_seconds:.0f} s to be published"
    if outside.published is not None:
        published = {(event.workflow_id, event.seq) for event in outside.published}
        for found in facts.workflows:
            for seq in range(1, found.last_seq + 1):
                if (found.key.workflow_id, seq) not in published:
                    yield f"I7 event {seq} of {found.key.workflow_id} never reached the bus"
    for subscriber, told in outside.seen.items():
        last: defaultdict[str, int] = defaultdict(int)
        for workflow_id, seq in told:
            if seq != last[workflow_id] + 1:
                yield f"I7 {subscriber} saw seq {seq} of {workflow_id} after {last[workflow_id]}"
            last[workflow_id] = seq


def i8_every_call_is_audited(facts: Facts, outside: Outside) -> Iterator[str]:
    """There is one audit row per call that changed something, and the chains verify."""
    rows = Counter(row.workflow_id for row in facts.audit)
    for found in facts.workflows:
        calls = sum(map(_is_asked_for, found.events))
        kept = rows[found.key.workflow_id]
        if kept != calls:
            yield f"I8 {calls} calls changed {found.key.workflow_id}, and {kept} are in the audit"
    for event_id, times in Counter(row.event_id for row in facts.audit).items():
        if times > 1:
            yield f"I8 audit event {event_id} is kept {times} times"
    if facts.is_audit_chained:
        yield from _broken_chains(facts)


def i10_limits_hold(facts: Facts, outside: Outside) -> Iterator[str]:
    """No more goes on at once than was allowed: elements of a foreach, and workflows in all."""
    for found in facts.workflows:
        under_way: Counter[str] = Counter()
        for event in found.events:
            if not isinstance(event, ScopeStarted | ScopeEnded):
                continue
            owner = owner_of(event.scope)
            under_way[owner] += 1 if isinstance(event, ScopeStarted) else -1
            most = getattr(found.plan.node(owner).step.kind, "max_concurrency", None)
            if most is not None and under_way[owner] > most:
                yield f"I10 {under_way[owner]} elements of {owner!r} of {found.key.workflow_id} at once; {most} may be"
    most = outside.limits.workflows_running_max
    running = sum(found.status is WorkflowStatus.RUNNING for found in facts.workflows)
    if most is not None and running > most:
        yield f"I10 {running} workflows are running; {most} may be"


def i11_work_flows_again(facts: Facts, outside: Outside) -> Iterator[str]:
    """After the last fault, work flows within 30 s, and what piled up is done within twice the outage."""
    if outside.outage is None:
        return
    healed_at = outside.outage.healed_at
    length = max(healed_at - outside.outage.began_at, timedelta(seconds=FLOW_SECONDS_MAX / BACKLOG_FACTOR_MAX))
    done_by = healed_at + length * BACKLOG_FACTOR_MAX
    for found in facts.workflows:
        times = [commit.at for commit in found.commits if commit.at is not None]
        if not times or times[0] > healed_at:
            continue
        after = [at for at in times if at > healed_at]
        if after and min(after) > healed_at + timedelta(seconds=FLOW_SECONDS_MAX):
            waited = (min(after) - healed_at).total_seconds()
            yield f"I11 workflow {found.key.workflow_id} moved on only {waited:.0f} s after the last fault"
        if after and max(after) > done_by:
            yield f"I11 workflow {found.key.workflow_id} was not done within twice the outage"
        if not after and not found.status.is_final:
            yield f"I11 workflow {found.key.workflow_id} has not moved since the last fault"


def i12_nothing_leaks(facts: Facts, outside: Outside) -> Iterator[str]:
    """What is over leaves no row behind, no row belongs to nobody, and processes hold no more than before."""
    stored = {found.key: found.current for found in facts.workflows}
    for task in facts.tasks:
        workflow = stored.get(task.key)
        if workflow is None or workflow.status.is_final:
            yield f"I12 task {task.task_id} is left of workflow {task.key.workflow_id}, which is over"
        elif task.task_id not in {step.task_id for step in workflow.open.values() if isinstance(step, OpenTask)}:
            yield f"I12 task {task.task_id} has a row, but no step of {task.key.workflow_id} waits for it"
        if task.status in (TaskStatus.ASSIGNED, TaskStatus.IN_PROGRESS) and task.session_id is None:
            yield f"I12 task {task.task_id} is {task.status} and nobody holds it"
    for timer in facts.timers:
        workflow = stored.get(timer.key)
        if workflow is None or workflow.status.is_final:
            yield f"I12 timer {timer.name!r} is left of workflow {timer.key.workflow_id}, which is over"
    for belonging in facts.belongings:
        if belonging.table in OF_WORKFLOWS and belonging.key not in stored:
            yield f"I12 {belonging.table} is left of workflow {belonging.key.workflow_id}, which is gone"
    for row in facts.inbox:
        if row.age_seconds > OUTBOX_SECONDS_MAX:
            yield f"I12 word {row.name!r} has waited {row.age_seconds:.0f} s for workflow {row.target.workflow_id}"
    for what, count in outside.after.items():
        if count > outside.before.get(what, 0):
            yield f"I12 {what}: {outside.before.get(what, 0)} before, {count} after"


def _unlike_its_history(found: WorkflowFacts) -> Sequence[str]:
    """Return in what the state last written differs from what the events up to it come to."""
    after = found.folded.after
    if not 0 < found.state_seq <= len(after):
        return ["it is as of no event there is"]
    if after[-1].status is not found.status:
        return [f"the row says {found.status}, its history {after[-1].status}"]
    folded = replace(after[found.state_seq - 1], status=found.status)
    pairs = {each.name: (getattr(folded, each.name), getattr(found.stored, each.name)) for each in fields(folded)}
    return [f"{name} is {stored!r}, not {told!r}" for name, (told, stored) in pairs.items() if stored != told]


def _frontier(key: Key, workflow: Workflow, tasks: Mapping[tuple[Key, str], TaskFacts]) -> str:
    """Return what a workflow waits for."""
    return ", ".join(_told(path, step, key, tasks) for path, step in workflow.open.items()) or "nothing is open"


def _told(path: str, step: object, key: Key, tasks: Mapping[tuple[Key, str], TaskFacts]) -> str:
    if not isinstance(step, OpenTask):
        return f"{path} ({type(step).__name__})"
    row = tasks.get((key, step.task_id))
    return f"{path} ({step.task_id}, {f'{row.status}, attempt {row.attempt}' if row else 'without a row'})"


def _timer_of(path: str, step: object) -> str:
    """Return the name of the timer that a step waits for; empty where it waits for none."""
    match step:
        case OpenTask(retry_at=retry_at) if retry_at is not None:
            return RETRY + path
        case OpenWait(until=until) if until is not None:
            return WAIT + path
        case OpenApproval(expires_at=expires_at) if expires_at is not None:
            return APPROVAL + path
        case _:
            return ""


def _overtaken(grants: Sequence[Grant], applied: Sequence[Applied]) -> Iterator[str]:
    granted: Mapping[str, list[tuple[int, Grant]]] = defaultdict(list)
    for place, grant in enumerate(grants):
        granted[grant.task_id].append((place, grant))
    for each in applied:
        before = [grant for place, grant in granted[each.task_id] if place < each.grants_before]
        newest = max(before, key=lambda grant: grant.attempt, default=None)
        if newest is None or each.lease_id is None:
            continue
        if (each.attempt, each.lease_id) != (newest.attempt, newest.lease_id):
            yield f"I6 attempt {each.attempt} at task {each.task_id} wrote after attempt {newest.attempt} was granted"


def _is_asked_for(event: object) -> bool:
    """Return whether somebody asked for what happened, so that the call is to be in the audit."""
    match event:
        case WorkflowCreated(parent=parent):
            return parent is None
        case WorkflowCancelled(user_id=user_id):
            return user_id != "engine"
        case WorkflowRetried(user_id=user_id):
            return bool(user_id)
        case WorkflowPaused() | WorkflowResumed() | SignalReceived() | ApprovalDecided():
            return True
        case _:
            return False


def _broken_chains(facts: Facts) -> Iterator[str]:
    number: defaultdict[tuple[str, str], int] = defaultdict(int)
    head: dict[tuple[str, str], bytes] = {}
    for row in sorted(facts.audit, key=lambda row: (row.tenant, row.writer, row.number)):
        chain = (row.tenant, row.writer)
        if row.number != number[chain] + 1:
            yield f"I8 the audit of {row.tenant} by {row.writer} goes on at {row.number} after {number[chain]}"
        if row.previous_hash != head.get(chain, b""):
            yield f"I8 the audit of {row.tenant} by {row.writer} breaks at number {row.number}"
        if not row.is_intact:
            yield f"I8 number {row.number} of the audit of {row.tenant} by {row.writer} is not what was written"
        number[chain], head[chain] = row.number, row.hash


INVARIANTS: Sequence[Callable[[Facts, Outside], Iterator[str]]] = (
    i1_no_workflow_is_lost,
    i1_firings_start_what_they_say,
    i1_only_what_is_due_is_removed,
    i2_one_terminal_event,
    i3_history_is_whole,
    i3_questions_are_as_told,
    i4_only_legal_moves,
    i5_results_are_applied_once,
    i5_reruns_do_nothing_again,
    i6_no_older_fence_writes,
    i7_every_event_is_published,
    i8_every_call_is_audited,
    i9_tenants_see_their_own,
    i10_limits_hold,
    i11_work_flows_again,
    i12_nothing_leaks,
)
"""All of them."""
