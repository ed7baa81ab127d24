"""Which rows events change besides the workflow's own: open tasks, timers, artifacts, and words to other workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from archwright import ids
from archwright.language.model import AgentTask, Approval, ErrorCategory, Json, OnUnavailable, Priority, Wait
from archwright.language.plan import Plan
from services.engine.domain.beginning import queue_of
from services.engine.domain.clocks import ADMISSION_TIMER, APPROVAL, DEADLINE_TIMER, RETRY, WAIT, queue_by
from services.engine.domain.commands import CancelWorkflow, EndChild, StartChild
from services.engine.domain.events import (
    ApprovalEscalated,
    ApprovalRequested,
    ChildStarted,
    Event,
    Parent,
    StepCancelled,
    StepCompleted,
    StepFailed,
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
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenApproval, OpenChild, OpenTask, Workflow

Hold: TypeAlias = Literal["", "hold", "release"]
"""Whether the workflow's waiting tasks are held from now on, or wait again."""


class NewTask(Struct, frozen=True, gc=False):
    """A task that waits for an agent. `attempt` deliveries of it have ended before.

    It is `held` in a paused workflow. `prefers_agent` is the agent that is to repair its own output.
    """

    task_id: str
    step: str
    queue: str
    priority: Priority
    attempt: int
    timeout_seconds: int
    queue_by: datetime | None
    idle_timeout_seconds: int | None = None
    on_unavailable: OnUnavailable = OnUnavailable.WAIT
    prefers_agent: str = ""
    held: bool = False


class Timer(Struct, frozen=True, gc=False):
    """A command that is due at a time. It replaces the timer of the same key."""

    key: str
    generation: int
    due_at: datetime


class NewArtifact(Struct, frozen=True, gc=False):
    """A name for a file that the store holds."""

    name: str
    sha256: str
    task_id: str


class Message(Struct, frozen=True, gc=False):
    """A word to another workflow of the same tenant. Of two with the same key, one is enough."""

    workflow_id: str
    key: str
    command: StartChild | EndChild | CancelWorkflow


class NewCached(Struct, frozen=True, gc=False):
    """An output that other steps may use again."""

    key_sha256: str
    step: str
    output: Json
    ttl_seconds: int


class NewApproval(Struct, frozen=True, gc=False):
    """A question to people, asked by the event `seq`."""

    approval_id: str
    step: str
    seq: int


class NewLetter(Struct, frozen=True, gc=False):
    """A task that failed for good, by the event `seq`, and its workflow with it: it waits for a person."""

    letter_id: str
    task_id: str
    step: str
    agent_type: str
    definition_name: str
    definition_version: str
    category: ErrorCategory
    code: str
    attempts: int
    seq: int
    created_at: datetime


class Redriven(Struct, frozen=True, gc=False):
    """Somebody let a failed workflow go on: none of its tasks waits for a person any more."""

    user_id: str
    at: datetime
    request_id: str


class Effects(Struct, frozen=True, gc=False):
    """Row changes, the net of all events of one commit."""

    ended_tasks: tuple[str, ...] = ()
    new_tasks: tuple[NewTask, ...] = ()
    ended_timers: tuple[str, ...] = ()
    new_timers: tuple[Timer, ...] = ()
    clears_timers: bool = False
    artifacts: tuple[NewArtifact, ...] = ()
    holds: Hold = ""
    messages: tuple[Message, ...] = ()
    cached: tuple[NewCached, ...] = ()
    approvals: tuple[NewApproval, ...] = ()
    ended_approvals: tuple[str, ...] = ()
    letters: tuple[NewLetter, ...] = ()
    redriven: Redriven | None = None


def effects(plan: Plan, before: Workflow, after: Workflow, events: Iterable[Event]) -> Effects:
    """Return the row changes of `events`, which led from `before` to `after`."""
    gathering = _Gathering(plan, before, after)
    for seq, event in enumerate(events, start=before.last_seq + 1):
        gathering.add(seq, event)
    return gathering.effects()


class _Gathering:
    """The row changes so far."""

    def __init__(self, plan: Plan, before: Workflow, after: Workflow) -> None:
        self._plan = plan
        self._before = before
        self._after = after
        self._clock = before.clock
        self._ended: dict[str, None] = {}
        self._new: dict[str, NewTask] = {}
        self._ended_timers: dict[str, None] = {}
        self._timers: dict[str, Timer] = {}
        self._clears_timers = False
        self._artifacts: list[NewArtifact] = []
        self._holds: Hold = ""
        self._messages: dict[tuple[str, str], Message] = {}
        self._cached: list[NewCached] = []
        self._approvals: dict[str, NewApproval] = {}
        self._ended_approvals: list[str] = []
        self._cache_keys: dict[str, str] = {}
        self._asked: dict[str, str] = {}
        self._failed: WorkflowFailed | None = None
        self._redriven: Redriven | None = None

    def effects(self) -> Effects:
        """Return the net of everything."""
        return Effects(
            ended_tasks=tuple(self._ended),
            new_tasks=tuple(self._new.values()),
            ended_timers=tuple(
                key
                for key in self._ended_timers
                if key not in self._timers and (self._before.last_seq or key != ADMISSION_TIMER)
            ),
            new_timers=tuple(self._timers.values()),
            clears_timers=self._clears_timers,
            artifacts=tuple(self._artifacts),
            holds=self._holds,
            messages=tuple(self._messages.values()),
            cached=tuple(self._cached),
            approvals=tuple(self._approvals.values()),
            ended_approvals=tuple(self._ended_approvals),
            letters=() if self._failed is None else tuple(self._letters(self._failed)),
            redriven=self._redriven,
        )

    def add(self, seq: int, event: Event) -> None:
        """Add what one event changes."""
        match event:
            case TaskCompleted():
                self._end(event.task_id)
                self._artifacts.extend(NewArtifact(made.name, made.sha256, event.task_id) for made in event.artifacts)
                self._cache(event)
            case TaskCreated():
                self._cache_keys[event.step] = event.cache_key
                self._wait_for_agent(event.step, event.task_id, 0, event.queue_by)
            case TaskFailed():
                self._end(event.task_id)
                if event.retry_at is not None:
                    self._start_timer(RETRY + event.step, event.attempt, event.retry_at)
            case TaskRetried():
                self._end_timer(RETRY + event.step)
                self._wait_for_agent(event.step, event.task_id, self._attempts(event.step), event.queue_by)
            case TaskRepairRequested():
                self._end(event.task_id)
                self._wait_for_agent(
                    event.step,
                    event.task_id,
                    event.attempt,
                    queue_by(self._task_at(event.step), event.at),
                    prefers_agent=event.agent_id,
                )
            case TaskCancelled():
                self._end(event.task_id)
                self._end_timer(RETRY + event.step)
            case WaitStarted(until=until) if until is not None:
                self._start_timer(WAIT + event.step, seq, until)
            case ApprovalRequested(expires_at=until) | ApprovalEscalated(expires_at=until):
                if isinstance(event, ApprovalRequested):
                    self._approvals[event.step] = NewApproval(event.approval_id, event.step, seq)
                if until is not None:
                    self._start_timer(APPROVAL + event.step, seq, until)
            case StepCompleted(step=step) | StepFailed(step=step) | StepCancelled(step=step):
                self._end_waiting(step)
                if isinstance(event, StepCancelled):
                    self._cancel_child(step)
            case ChildStarted():
                parent = Parent(self._after.workflow_id, event.step)
                wish = StartChild(event.child_id, event.definition_name, event.definition_version, event.input, parent)
                self._tell(event.child_id, "start", wish)
                self._asked[event.step] = event.child_id
            case TimerDue(key=key):
                self._end_timer(key)
            case _:
                self._move(event)

    def _move(self, event: Event) -> None:
        match event:
            case WorkflowCreated(at=at):
                self._start_timer(ADMISSION_TIMER, 0, at)
            case WorkflowStarted(deadline=deadline):
                self._end_timer(ADMISSION_TIMER)
                self._start_timer(DEADLINE_TIMER, self._clock, deadline)
            case WorkflowRetried(deadline=deadline):
                self._clock += 1
                self._start_timer(DEADLINE_TIMER, self._clock, deadline)
                if self._before.exhausted and self._before.status is WorkflowStatus.FAILED:
                    self._redriven = self._redriven or Redriven(event.user_id, event.at, event.request_id)
            case WorkflowPaused():
                self._end_timer(DEADLINE_TIMER)
                self._holds = "" if self._holds == "release" else "hold"
            case WorkflowResumed(deadline=deadline):
                self._clock += 1
                self._start_timer(DEADLINE_TIMER, self._clock, deadline)
                self._holds = "" if self._holds == "hold" else "release"
            case WorkflowCompleted() | WorkflowFailed() | WorkflowCancelled():
                # Also of a failure that is retried at once: what its timers waited for is over.
                self._timers.clear()
                self._clears_timers = True
                self._tell_parent(event)
                if isinstance(event, WorkflowFailed) and self._after.status is WorkflowStatus.FAILED:
                    self._failed = event
            case _:
                pass

    def _letters(self, failed: WorkflowFailed) -> Iterator[NewLetter]:
        """Yield the tasks that wait for a person, now that this failed their workflow."""
        definition, at_ms = self._plan.definition, int(failed.at.timestamp() * 1000)
        for path, task in self._after.exhausted.items():
            kind = self._task_at(path)
            yield NewLetter(
                letter_id=ids.show_derived("letter", at_ms, self._after.workflow_id, task.task_id),
                task_id=task.task_id,
                step=path,
                agent_type=kind.agent_type or queue_of(kind),
                definition_name=definition.name,
                definition_version=definition.version,
                category=task.category,
                code=task.code,
                attempts=task.attempts,
                seq=task.seq,
                created_at=failed.at,
            )

    def _wait_for_agent(
        self, path: str, task_id: str, attempt: int, queue_by: datetime | None, *, prefers_agent: str = ""
    ) -> None:
        task = self._task_at(path)
        self._new[task_id] = NewTask(
            task_id=task_id,
            step=path,
            queue=queue_of(task),
            priority=task.priority,
            attempt=attempt,
            timeout_seconds=task.timeout_seconds,
            queue_by=queue_by,
            idle_timeout_seconds=task.idle_timeout_seconds,
            on_unavailable=task.on_unavailable,
            prefers_agent=prefers_agent,
            held=self._after.status is WorkflowStatus.PAUSED,
        )

    def _task_at(self, path: str) -> AgentTask:
        task = self._plan.node(path).step.kind
        assert isinstance(task, AgentTask)
        return task

    def _attempts(self, path: str) -> int:
        task = self._after.open.get(path)
        return task.attempt if isinstance(task, OpenTask) else 0

    def _end(self, task_id: str) -> None:
        if self._new.pop(task_id, None) is None:
            self._ended[task_id] = None

    def _start_timer(self, key: str, generation: int, due_at: datetime) -> None:
        self._timers[key] = Timer(key, generation, due_at)

    def _end_timer(self, key: str) -> None:
        self._timers.pop(key, None)
        self._ended_timers[key] = None

    def _end_waiting(self, path: str) -> None:
        match self._plan.node(path).step.kind:
            case Wait():
                self._end_timer(WAIT + path)
            case Approval():
                self._end_timer(APPROVAL + path)
                self._end_approval(path)
            case _:
                pass

    def _end_approval(self, path: str) -> None:
        asked = self._approvals.get(path, self._before.open.get(path))
        if isinstance(asked, NewApproval | OpenApproval):
            self._ended_approvals.append(asked.approval_id)

    def _cache(self, event: TaskCompleted) -> None:
        kind = self._plan.node(event.step).step.kind
        if not isinstance(kind, AgentTask) or kind.cache is None:
            return
        task = self._before.open.get(event.step)
        key = self._cache_keys.get(event.step, task.cache_key if isinstance(task, OpenTask) else "")
        if key:
            self._cached.append(NewCached(key, event.step, event.output, kind.cache.ttl_seconds))

    def _cancel_child(self, path: str) -> None:
        if (asked := self._asked.pop(path, None)) is not None:
            del self._messages[asked, "start"]
            return
        found = self._before.open.get(path)
        if isinstance(found, OpenChild):
            now = self._after.ended_at or self._after.created_at
            assert now is not None
            reason = f"Step {path!r} of workflow {self._after.workflow_id} was called off."
            self._tell(found.child_id, "cancel", CancelWorkflow(now, "engine", reason))

    def _tell_parent(self, event: WorkflowCompleted | WorkflowFailed | WorkflowCancelled) -> None:
        parent = self._after.parent
        if parent is None or not self._after.status.is_final:
            return
        end = EndChild(
            now=event.at,
            step=parent.step,
            child_id=self._after.workflow_id,
            status=self._after.status,
            output=event.output if isinstance(event, WorkflowCompleted) else None,
            degraded=self._after.degraded,
            message=self._after.error,
        )
        self._tell(parent.workflow_id, f"end:{self._after.workflow_id}:{self._after.retries}", end)

    def _tell(self, workflow_id: str, key: str, command: StartChild | EndChild | CancelWorkflow) -> None:
        self._messages[workflow_id, key] = Message(workflow_id, key, command)
