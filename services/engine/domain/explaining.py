"""Why each unfinished step of a workflow is not running.

The state knows what steps wait for. What only the shell knows - who is online, who holds a task, how long a queue is -
comes as `Standing`, by task. Steps that were not reached yet are those downstream of what is under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import assert_never

from archwright.language.model import AgentTask, Loop, Switch
from archwright.language.plan import Plan
from services.engine.domain.beginning import queue_of
from services.engine.domain.paths import COMPENSATION, FALLBACK, body_of, owner_of, path_in
from services.engine.domain.transitions import TaskStatus, WorkflowStatus
from services.engine.domain.workflow import (
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenStep,
    OpenTask,
    OpenWait,
    Workflow,
)

EXPLAINED_MAX = 1_000
"""How many steps are explained at most: those under way first, then those that wait for others."""

_NAMED_MAX = 10


class Reason(StrEnum):
    """Why a step has not ended."""

    RUNNING = "running"
    ASSIGNED = "assigned"
    QUEUED = "queued"
    NO_AGENT = "no_agent"
    BREAKER_OPEN = "breaker_open"
    QUOTA = "quota"
    BACKING_OFF = "backing_off"
    WAITING_FOR_TIME = "waiting_for_time"
    WAITING_FOR_SIGNAL = "waiting_for_signal"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    WAITING_FOR_CHILD = "waiting_for_child"
    WAITING_FOR_BODIES = "waiting_for_bodies"
    WAITING_FOR_STEPS = "waiting_for_steps"
    PAUSED = "paused"
    FAILED = "failed"
    CALLED_OFF = "called_off"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the shell knows about an open task, and about the queue that it waits in.

    `ahead` counts the tasks before it; `agents` those online that could take it, of which `free` have room.
    """

    status: TaskStatus = TaskStatus.PENDING
    agent_id: str = ""
    lease_expires_at: datetime | None = None
    ahead: int = 0
    agents: int = 0
    free: int = 0
    breaker_open_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a step is not done: a reason, the same in words, and what it names.

    `until` is when this ends by itself at the latest; `waits_for` are the steps, or whoever else it waits for.
    """

    step: str
    reason: Reason
    message: str
    until: datetime | None = None
    waits_for: tuple[str, ...] = ()
    task_id: str = ""


def explain(
    plan: Plan, workflow: Workflow, standings: Mapping[str, Standing], *, workflows_max: int
) -> tuple[Explained, ...]:
    """Return why each unfinished step is not done, those under way first.

    `standings` are by task; `workflows_max` is how many workflows of the tenant may be under way.
    """
    return tuple(islice(_Explaining(plan, workflow, standings, workflows_max).all(), EXPLAINED_MAX))


def waits_for_quota(workflows_max: int) -> str:
    """Return in words what a workflow waits for that has not begun."""
    at_most = "1 workflow" if workflows_max == 1 else f"{workflows_max:,} workflows"
    return f"waits for others to end: {at_most} of a tenant may be under way at once"


class _Explaining:
    """One workflow, being explained."""

    def __init__(self, plan: Plan, workflow: Workflow, standings: Mapping[str, Standing], workflows_max: int) -> None:
        self._plan = plan
        self._workflow = workflow
        self._standings = standings
        self._workflows_max = workflows_max

    def all(self) -> Iterator[Explained]:
        """Yield what is to be said about each unfinished step."""
        workflow = self._workflow
        for path, step in sorted(workflow.open.items()):
            yield self._begun(path, step)
        for path in sorted(workflow.ready, key=workflow.ready.__getitem__):
            yield self._reached(path)
        for path in sorted(workflow.given_up, key=workflow.given_up.__getitem__):
            yield self._given_up(path)
        for scope in sorted(workflow.scopes):
            yield from self._to_come(scope)

    def _begun(self, path: str, step: OpenStep) -> Explained:
        match step:
            case OpenTask():
                return self._task(path, step)
            case OpenHolder():
                return self._holder(path, step)
            case OpenWait(until=until, signal=signal) if signal:
                at_most = f", until {_told(until)} at the latest" if until else ""
                told = f"waits for the signal {signal!r}{at_most}"
                return Explained(path, Reason.WAITING_FOR_SIGNAL, told, until, (signal,))
            case OpenWait(until=until):
                return Explained(path, Reason.WAITING_FOR_TIME, f"waits until {_told(until)}", until)
            case OpenApproval():
                missing = step.quorum - len(step.agreed)
                told = f"waits for {missing} more of {', '.join(step.approvers)} to agree (approval {step.approval_id})"
                return Explained(path, Reason.WAITING_FOR_APPROVAL, told, step.expires_at, step.approvers)
            case OpenChild(child_id=child_id):
                told = f"waits for the end of workflow {child_id}"
                return Explained(path, Reason.WAITING_FOR_CHILD, told, waits_for=(child_id,))
            case OpenFallback(failure=failure):
                told = f"failed ({failure.category}: {failure.message}); its fallback is under way"
                return Explained(path, Reason.WAITING_FOR_BODIES, told, waits_for=(path + FALLBACK,))
            case _:
                assert_never(step)

    def _task(self, path: str, task: OpenTask) -> Explained:
        standing = self._standings.get(task.task_id)
        reason, told, until = self._why_idle(path, task, standing)
        if task.errors:
            told = f"{told}; its output is to be repaired: {'; '.join(task.errors)}"
        return Explained(path, reason, told, until, task_id=task.task_id)

    def _why_idle(self, path: str, task: OpenTask, standing: Standing | None) -> tuple[Reason, str, datetime | None]:
        kind = self._plan.node(path).step.kind
        assert isinstance(kind, AgentTask)
        queue, paused = queue_of(kind), self._workflow.status is WorkflowStatus.PAUSED
        match standing:
            case _ if task.retry_at is not None:
                told = f"backs off until {_told(task.retry_at)}, after {task.failures} charged failures"
                return Reason.BACKING_OFF, told, task.retry_at
            case Standing(status=TaskStatus.IN_PROGRESS, agent_id=agent_id, lease_expires_at=until):
                return Reason.RUNNING, f"agent {agent_id} works on it", until
            case Standing(status=TaskStatus.ASSIGNED, agent_id=agent_id, lease_expires_at=until):
                return Reason.ASSIGNED, f"agent {agent_id} was given it and has not accepted it yet", until
            case _ if paused:
                return Reason.PAUSED, f"is held: {self._paused()}", None
            case None:
                return Reason.QUEUED, f"waits for an agent that is {queue!r}", None
            case Standing(breaker_open_until=until) if until is not None:
                return Reason.BREAKER_OPEN, f"the breaker of {queue!r} is open until {_told(until)}", until
            case Standing(agents=0):
                return Reason.NO_AGENT, f"no agent is online that is {queue!r}", None
            case Standing(ahead=ahead, agents=agents, free=free):
                told = f"{ahead} tasks are before it in the queue {queue!r} of {agents} agents, {free} with room"
                return Reason.QUEUED, told, None

    def _holder(self, path: str, holder: OpenHolder) -> Explained:
        under_way = sorted(scope for scope in self._workflow.scopes if scope and owner_of(scope) == path)
        match self._plan.node(path).step.kind:
            case Switch():
                told = f"its case {holder.case!r} is under way"
            case Loop(max_iterations=most):
                told = f"goes round, {most} times at most"
            case _:
                failed = f", {holder.failed} of them failed" if holder.failed else ""
                told = f"{holder.ended} of {holder.count} bodies are done{failed}, and {len(under_way)} under way"
        return Explained(path, Reason.WAITING_FOR_BODIES, told, waits_for=tuple(under_way[:_NAMED_MAX]))

    def _reached(self, path: str) -> Explained:
        match self._workflow.status:
            case WorkflowStatus.PENDING:
                return Explained(path, Reason.QUOTA, f"the workflow {waits_for_quota(self._workflows_max)}")
            case WorkflowStatus.PAUSED:
                return Explained(path, Reason.PAUSED, self._paused())
            case _:
                return Explained(path, Reason.QUEUED, "is about to begin")

    def _given_up(self, path: str) -> Explained:
        workflow = self._workflow
        failure = workflow.unhandled.get(path)
        if failure is not None:
            told = f"failed ({failure.category}: {failure.message}); what comes of it waits: {self._paused()}"
            return Explained(path, Reason.FAILED, told)
        if workflow.compensating is not None:
            return Explained(path, Reason.CALLED_OFF, "was given up; the workflow undoes what it did, and then fails")
        wayout = "rerun the workflow" if workflow.compensated else "a retry begins it anew"
        return Explained(path, Reason.CALLED_OFF, f"failed, or was called off with the workflow; {wayout}")

    def _to_come(self, scope: str) -> Iterator[Explained]:
        """Yield the steps of a body that were not reached yet: all downstream of those that were and have not ended."""
        workflow, nodes = self._workflow, self._plan.nodes
        if workflow.compensating is not None and COMPENSATION not in scope:
            return  # never reached any more
        live = [
            number
            for number in body_of(self._plan, scope).nodes
            if (path := path_in(scope, nodes[number].name)) in workflow.open
            or path in workflow.ready
            or path in workflow.given_up
        ]
        before: dict[int, list[int]] = {}
        led = list(live)
        for number in led:
            for edge in nodes[number].edges:
                if edge not in before:
                    led.append(edge)
                before.setdefault(edge, []).append(number)
        for number in sorted(before):
            waits_for = tuple(path_in(scope, nodes[each].name) for each in before[number])
            told = f"waits for {', '.join(waits_for[:_NAMED_MAX])}"
            yield Explained(path_in(scope, nodes[number].name), Reason.WAITING_FOR_STEPS, told, waits_for=waits_for)

    def _paused(self) -> str:
        return f"the workflow was paused by {self._workflow.paused_by!r} at {_told(self._workflow.paused_at)}"


def _told(at: datetime | None) -> str:
    return "some time" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
