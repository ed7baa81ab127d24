"""The facts about a workflow: what history is made of.

Each is a frozen value; its place in history, its `seq`, is given when it is folded in. The event's name on the
wire is the class's name in snake case. What is called `step` is a step's path: its name, and before it the scope that
it is in, such as `assess[3]/check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct, field

from archwright.language.model import ErrorCategory, Priority

Json = Any
"""JSON, decoded; its depth and numbers were checked at the edge."""

Ref: TypeAlias = Any
"""Where an output stands: the seq of the event that holds it, None for null, or a tuple or dict of these."""


def name_of(kind: str) -> str:
    """Return the name on the wire of a class of events, such as `task_completed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()


class Fact(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag=name_of):
    """What all events have in common: how they are written. Fields at their default are left out."""


class Parent(Struct, frozen=True, gc=False, array_like=True):
    """The step that a workflow was started by, when it was not a caller."""

    workflow_id: str
    step: str


class WorkflowCreated(Fact, frozen=True):
    """The workflow was accepted. `rerun_of` names the workflow whose finished steps it goes on from."""

    at: datetime
    definition_name: str
    definition_version: str
    definition_hash: str
    input: Json
    request_id: str
    user_id: str
    session_id: str
    parent: Parent | None = None
    rerun_of: str = ""
    on_behalf_of: tuple[str, ...] = ()
    """Who else asked for it: they let the workflow go on whose step it is."""


class WorkflowStarted(Fact, frozen=True):
    """The first steps may make their tasks; the workflow's time runs."""

    at: datetime
    deadline: datetime


class TaskCreated(Fact, frozen=True):
    """A step was reached, and its task waits for an agent.

    The input itself is not kept but its hash: it can be computed again from the definition and the outputs.
    `agent_type` is the queue that the task waits in: a type, or the text of what an agent must offer.
    """

    at: datetime
    step: str
    task_id: str
    agent_type: str
    task_type: str
    priority: Priority
    timeout_seconds: int
    queue_by: datetime | None
    input_sha256: str
    idempotency_key: str = ""
    cache_key: str = ""


class ArtifactMade(Struct, frozen=True, gc=False, array_like=True):
    """A file that a result names."""

    name: str
    sha256: str


class TaskCompleted(Fact, frozen=True):
    """A task's result was applied.

    `next` is the step that follows by the definition's conditions, or `end`; empty where the order says it.
    """

    at: datetime
    step: str
    task_id: str
    attempt: int
    agent_id: str
    output: Json
    next: str
    failures: int = 0
    artifacts: tuple[ArtifactMade, ...] = ()
    usage: Mapping[str, Json] = field(default_factory=dict)


class TaskFailed(Fact, frozen=True):
    """An attempt failed. With `retry_at` the task is tried again then; without, the step has failed.

    `failures` counts what was charged against the task's attempts, this one included.
    """

    at: datetime
    step: str
    task_id: str
    attempt: int
    agent_id: str
    category: ErrorCategory
    code: str
    message: str
    charged: bool
    failures: int
    retry_at: datetime | None


LEASE_EXPIRED = "LEASE_EXPIRED"
TIME_LIMIT_PASSED = "TIME_LIMIT_PASSED"
ENDED_BY_THE_ENGINE = frozenset({LEASE_EXPIRED, TIME_LIMIT_PASSED})
"""Codes of attempts that the engine ended itself: such a failure is no word of the agent that it names."""


class TaskRetried(Fact, frozen=True):
    """The pause after a failure is over, and the task waits for an agent again."""

    at: datetime
    step: str
    task_id: str
    queue_by: datetime | None
    failures: int


class TaskRepairRequested(Fact, frozen=True):
    """An output did not fit its schema, and the task goes back to be repaired; `repairs` counts how often.

    Of the output only its hash is kept, and what was wrong with it.
    """

    at: datetime
    step: str
    task_id: str
    attempt: int
    agent_id: str
    errors: tuple[str, ...]
    output_sha256: str
    repairs: int
    failures: int = 0


class TaskCancelled(Fact, frozen=True):
    """An open task was called off: with its workflow, or by what is around its step."""

    at: datetime
    step: str
    task_id: str


class StepStarted(Fact, frozen=True):
    """A step that holds others was reached. `items` are a foreach's elements, `case` is the chosen one of a switch."""

    at: datetime
    step: str
    items: Json = None
    case: str = ""


class ScopeStarted(Fact, frozen=True):
    """A body begins: a branch, an element, an iteration, a case, a fallback or a compensation."""

    at: datetime
    scope: str


class ScopeEnded(Fact, frozen=True):
    """A body has ended: all its steps are done, or `failed` with a failure that the rest can do without."""

    at: datetime
    scope: str
    failed: bool = False
    message: str = ""


class WaitStarted(Fact, frozen=True):
    """A step waits: for a time, for a signal, or both; `until` is when it stops at the latest."""

    at: datetime
    step: str
    until: datetime | None
    signal: str = ""


class ApprovalRequested(Fact, frozen=True):
    """A step waits for people. They decide on what has this hash."""

    at: datetime
    step: str
    approval_id: str
    approvers: tuple[str, ...]
    quorum: int
    shown: Json
    shown_sha256: str
    expires_at: datetime | None
    artifacts: tuple[ArtifactMade, ...] = ()


class ApprovalInvalidated(Fact, frozen=True):
    """What an approval shows has changed: files are others now. What was decided about it counts no longer."""

    at: datetime
    step: str
    approval_id: str
    artifacts: tuple[ArtifactMade, ...]
    shown_sha256: str


class ApprovalDecided(Fact, frozen=True):
    """Somebody agreed, or did not."""

    at: datetime
    step: str
    approval_id: str
    user_id: str
    approved: bool
    comment: str
    shown_sha256: str
    request_id: str = ""


class ApprovalEscalated(Fact, frozen=True):
    """Nobody decided in time, and others are asked as well."""

    at: datetime
    step: str
    approval_id: str
    approvers: tuple[str, ...]
    expires_at: datetime | None


class ChildStarted(Fact, frozen=True):
    """A step asked for a workflow of its own, and waits for its end."""

    at: datetime
    step: str
    child_id: str
    definition_name: str
    definition_version: str
    input: Json


class EventEmitted(Fact, frozen=True):
    """A step published an event of its author's."""

    at: datetime
    step: str
    type: str = field(name="of_type")
    payload: Json


class StepCompleted(Fact, frozen=True):
    """A step that is not a task's is done, or a task's step was done without one.

    `parts`, where it is not None, says where in this history the output stands, piece by piece; else `output` is it.
    `source` is `cache`, `fallback` or `rerun` where the output was not made by the step itself. `vars` are the
    names that it gave values to.
    """

    at: datetime
    step: str
    output: Json = None
    parts: Ref = None
    next: str = ""
    source: str = ""
    degraded: bool = False
    vars: tuple[str, ...] = ()


class StepSkipped(Fact, frozen=True):
    """A step was reached and passed over: its `when` was false, no case held, or no agent was there."""

    at: datetime
    step: str
    reason: str


class StepFailed(Fact, frozen=True):
    """A step failed other than by its task."""

    at: datetime
    step: str
    category: ErrorCategory
    code: str
    message: str


class StepCancelled(Fact, frozen=True):
    """A step that waited, or held others, was called off."""

    at: datetime
    step: str


class FailureTolerated(Fact, frozen=True):
    """The definition can do without a step that failed: its output is null, and what follows it goes on."""

    at: datetime
    step: str
    next: str
    category: ErrorCategory
    code: str
    message: str


class CompensationStarted(Fact, frozen=True):
    """The workflow will fail for the reason of `step`, and first undoes what `steps` did, in this order."""

    at: datetime
    step: str
    category: ErrorCategory
    code: str
    message: str
    steps: tuple[str, ...]


class SignalReceived(Fact, frozen=True):
    """A word from outside."""

    at: datetime
    name: str
    payload: Json
    user_id: str
    request_id: str = ""


class TimerDue(Fact, frozen=True):
    """A time came while the workflow was paused; it is acted on when it runs again."""

    at: datetime
    key: str
    generation: int


class WorkflowPaused(Fact, frozen=True):
    """Somebody holds the workflow: nothing new is begun, and its time stands still."""

    at: datetime
    user_id: str
    reason: str
    request_id: str = ""


class WorkflowResumed(Fact, frozen=True):
    """A held workflow goes on."""

    at: datetime
    user_id: str
    deadline: datetime
    request_id: str = ""


class WorkflowCompleted(Fact, frozen=True):
    """Every step that was reached is done. `degraded` when part of the result is missing.

    `missing` are the steps and bodies that failed and were done without, the first few of them.
    """

    at: datetime
    output: Json
    degraded: bool = False
    missing: tuple[str, ...] = ()


class WorkflowFailed(Fact, frozen=True):
    """The workflow cannot go on, for the reason of `step`; empty where it is nobody's."""

    at: datetime
    step: str
    category: ErrorCategory
    code: str
    message: str


class WorkflowRetried(Fact, frozen=True):
    """A failed workflow goes on from the steps that failed or were called off with it.

    `step` is the one whose dead letter was redriven, where it was one; `input`, where somebody edited it, is what the
    step's task is given from now on.
    """

    at: datetime
    deadline: datetime
    user_id: str = ""
    request_id: str = ""
    step: str = ""
    input: Json = None


class WorkflowCancelled(Fact, frozen=True):
    """Somebody called the workflow off."""

    at: datetime
    user_id: str
    reason: str
    request_id: str = ""


Event = (
    WorkflowCreated
    | WorkflowStarted
    | TaskCreated
    | TaskCompleted
    | TaskFailed
    | TaskRetried
    | TaskRepairRequested
    | TaskCancelled
    | StepStarted
    | ScopeStarted
    | ScopeEnded
    | WaitStarted
    | ApprovalRequested
    | ApprovalInvalidated
    | ApprovalDecided
    | ApprovalEscalated
    | ChildStarted
    | EventEmitted
    | StepCompleted
    | StepSkipped
    | StepFailed
    | StepCancelled
    | FailureTolerated
    | CompensationStarted
    | SignalReceived
    | TimerDue
    | WorkflowPaused
    | WorkflowResumed
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowRetried
    | WorkflowCancelled
)
"""Everything that can have happened."""
