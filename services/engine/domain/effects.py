"""Which rows events change besides the workflow's own: open tasks, timers and artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from archwright.language.model import AgentTask, Priority
from archwright.language.plan import Plan
from services.engine.domain.decide import DEADLINE_TIMER
from services.engine.domain.events import (
    Event,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskFailed,
    TaskRetried,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowRetried,
    WorkflowStarted,
)
from services.engine.domain.workflow import Workflow


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that waits for an agent. `attempt` deliveries of it have ended before."""

    task_id: str
    step: str
    agent_type: str
    priority: Priority
    attempt: int
    timeout_seconds: int
    queue_by: datetime | None


@dataclass(frozen=True, slots=True)
class Timer:
    """A command that is due at a time. It replaces the timer of the same key."""

    key: str
    generation: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """A name for a file that the store holds."""

    name: str
    sha256: str
    task_id: str


@dataclass(frozen=True, slots=True)
class Effects:
    """Row changes, the net of all events of one commit."""

    ended_tasks: tuple[str, ...]
    new_tasks: tuple[NewTask, ...]
    ended_timers: tuple[str, ...]
    new_timers: tuple[Timer, ...]
    clears_timers: bool
    artifacts: tuple[NewArtifact, ...]


def effects(plan: Plan, before: Workflow, after: Workflow, events: Iterable[Event]) -> Effects:
    """Return the row changes of `events`, which led from `before` to `after`."""
    ended: dict[str, None] = {}
    new: dict[str, NewTask] = {}
    ended_timers: dict[str, None] = {}
    timers: dict[str, Timer] = {}
    artifacts: list[NewArtifact] = []
    retries = before.retries
    clears_timers = False

    def end(task_id: str) -> None:
        if new.pop(task_id, None) is None:
            ended[task_id] = None

    def end_timer(key: str) -> None:
        timers.pop(key, None)
        ended_timers[key] = None

    for event in events:
        match event:
            case WorkflowStarted(deadline=deadline):
                timers[DEADLINE_TIMER] = Timer(DEADLINE_TIMER, retries, deadline)
            case WorkflowRetried(deadline=deadline):
                retries += 1
                timers[DEADLINE_TIMER] = Timer(DEADLINE_TIMER, retries, deadline)
            case TaskCreated():
                new[event.task_id] = NewTask(
                    event.task_id,
                    event.step,
                    event.agent_type,
                    event.priority,
                    0,
                    event.timeout_seconds,
                    event.queue_by,
                )
            case TaskCompleted(task_id=task_id):
                end(task_id)
                artifacts.extend(NewArtifact(made.name, made.sha256, task_id) for made in event.artifacts)
            case TaskFailed(task_id=task_id, step=step, retry_at=retry_at):
                end(task_id)
                if retry_at is not None:
                    timers[f"retry:{step}"] = Timer(f"retry:{step}", event.attempt, retry_at)
            case TaskRetried(task_id=task_id, step=step):
                end_timer(f"retry:{step}")
                recipe = plan.nodes[plan.index[step]].step.kind
                assert isinstance(recipe, AgentTask)
                attempt = after.open[step].attempt if step in after.open else 0
                new[task_id] = NewTask(
                    task_id,
                    step,
                    recipe.agent_type,
                    recipe.priority,
                    attempt,
                    recipe.timeout_seconds,
                    event.queue_by,
                )
            case TaskCancelled(task_id=task_id):
                end(task_id)
            case WorkflowCompleted() | WorkflowFailed() | WorkflowCancelled():
                # Also of a failure that is retried at once: what its timers waited for is over.
                timers.clear()
                clears_timers = True
            case _:
                pass
    return Effects(
        ended_tasks=tuple(ended),
        new_tasks=tuple(new.values()),
        ended_timers=tuple(key for key in ended_timers if key not in timers),
        new_timers=tuple(timers.values()),
        clears_timers=clears_timers,
        artifacts=tuple(artifacts),
    )
