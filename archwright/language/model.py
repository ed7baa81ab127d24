"""What a definition says, as values.

A definition is what its author wrote and nothing more: names are not resolved, expressions not compiled, defaults
filled in. `check` says whether it may be published, `plan` makes it into the graph that the engine walks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""None, a truth value, a number, a string, a list of these, or a dict from strings to these."""

Schema: TypeAlias = Mapping[str, Json] | bool
"""A JSON Schema, draft 2020-12 unless its `$schema` says otherwise."""

EXPRESSION_MAX = 4096
"""Of one expression, in characters."""

END = "end"
"""As a target: this path of the workflow is finished."""

RESERVED_NAMES = frozenset({"input", "steps", "vars", "workflow", END})
"""What expressions and targets mean by these is fixed, so no step may have such a name."""


class ErrorCategory(StrEnum):
    """What kind of trouble a failed attempt had; the retry policy goes by it."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    TIMEOUT = "timeout"
    CAPACITY = "capacity"
    BUSINESS = "business"


class Priority(StrEnum):
    """How urgent a step's task is; the more urgent goes first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often a failed attempt is tried again."""

    max_attempts: int = 3
    base_delay_seconds: float = 1.0
    max_delay_seconds: float = 60.0
    exponential_backoff: bool = True
    jitter: bool = True
    retriable_errors: frozenset[ErrorCategory] = frozenset({ErrorCategory.TRANSIENT, ErrorCategory.TIMEOUT})


class OnFailure(StrEnum):
    """What becomes of things when a step has failed for good."""

    FAIL = "fail"
    CONTINUE = "continue"
    FALLBACK = "fallback"
    COMPENSATE = "compensate"


class CategoryPolicy(StrEnum):
    """What a definition says about a category of errors."""

    RETRY = "retry"
    FAIL = "fail"
    CONTINUE = "continue"
    COMPENSATE = "compensate"


class OnUnavailable(StrEnum):
    """What a ready step does when no agent is there to take its task."""

    WAIT = "wait"
    FALLBACK = "fallback"
    SKIP = "skip"
    FAIL = "fail"


class Selection(StrEnum):
    """How one of several agents that could take a task is chosen."""

    ROUND_ROBIN = "round_robin"
    LEAST_CONNECTIONS = "least_connections"


class OnBranchFailure(StrEnum):
    """What a failed branch, or a failed element of a foreach, means for its siblings.

    `fail` fails the workflow; `continue` takes null for its output; `cancel_others` calls its siblings off and
    fails the enclosing step.
    """

    FAIL = "fail"
    CONTINUE = "continue"
    CANCEL_OTHERS = "cancel_others"


class OnExpiry(StrEnum):
    """What becomes of an approval that nobody decided in time."""

    REJECT = "reject"
    APPROVE = "approve"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Condition:
    """Where to go when an expression is true."""

    if_: str
    next: str


@dataclass(frozen=True, slots=True)
class Cache:
    """An output is used again for this long by every step whose `key`, a template for text, comes out the same."""

    key: str
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class AgentTask:
    """A step that gives a task to an agent: of a type, or of any type that offers a capability, or both.

    `capability` is `name` or `name@range`, such as `pricing@^1.2`. `queue_timeout_seconds` None means as long as
    the workflow; `idle_timeout_seconds` None means that silence is no fault.
    """

    agent_type: str = ""
    capability: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    selection: Selection = Selection.ROUND_ROBIN
    task_type: str = ""
    timeout_seconds: int = 600
    queue_timeout_seconds: int | None = None
    idle_timeout_seconds: int | None = None
    retry_policy: RetryPolicy = RetryPolicy()
    priority: Priority = Priority.NORMAL
    on_unavailable: OnUnavailable = OnUnavailable.WAIT
    cache: Cache | None = None
    idempotency_key: str = ""
    """A template for text; the task's id where it is empty."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several bodies that are done at the same time."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """A step that does its branches at the same time.

    It is done when `join` of them are; None means all. Its output maps each branch to its body's output.
    """

    branches: tuple[Branch, ...]
    join: int | None = None
    on_branch_failure: OnBranchFailure | None = None


@dataclass(frozen=True, slots=True)
class ForEach:
    """A step that does its body once for each element of the list that `items`, an expression, gives.

    `as_` names the element within the body. None as `max_concurrency` means all at once. Its output is the list
    of the bodies' outputs, in the order of the elements.
    """

    items: str
    as_: str
    steps: tuple[Step, ...]
    max_concurrency: int | None = None
    on_item_failure: OnBranchFailure | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A body that is done when its expression is the first to be true."""

    if_: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """A step that does one of several bodies. None as `otherwise` means that it is skipped when no case holds."""

    cases: tuple[Case, ...]
    otherwise: tuple[Step, ...] | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A step that does its body again and again: until `until` is true after it, or while `while_` is true before it.

    Exactly one of the two is said. A loop that reaches `max_iterations` fails.
    """

    steps: tuple[Step, ...]
    max_iterations: int
    until: str | None = None
    while_: str | None = None


@dataclass(frozen=True, slots=True)
class ChildWorkflow:
    """A step that starts a workflow of its own and waits for its end. `version` may be a channel; "" is the newest."""

    definition: str
    version: str = ""


REQUESTER = "requester"
"""Whoever started a workflow, where an approval says who may not decide."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A step that waits until `quorum` of the approvers have agreed, or one has not.

    An approver is `role:<role>` or `user:<subject>`. What is shown to them is the step's input, and those of the
    workflow's files whose names fit a pattern of `artifacts`. Nobody may decide who is named by `separate_from`: who
    started the workflow, by `requester`, or who agreed at another approval, by that step's name. None as
    `expires_after_seconds` means that they may take as long as the workflow. With `on_reject` FAIL a rejection fails
    the step; with CONTINUE its output says so.
    """

    approvers: tuple[str, ...]
    quorum: int = 1
    expires_after_seconds: int | None = None
    on_expiry: OnExpiry = OnExpiry.REJECT
    escalate_to: tuple[str, ...] = ()
    on_reject: OnFailure = OnFailure.FAIL
    artifacts: tuple[str, ...] = ()
    separate_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that waits: for a number of seconds, until a time, or for a signal, perhaps with a time-out.

    `seconds` is a number or a template for one; `until` a template for an RFC 3339 time.
    """

    seconds: float | str | None = None
    until: str | None = None
    signal: str | None = None
    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class SetVars:
    """A step that names values; `values` is a template."""

    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Emit:
    """A step that publishes an event of a type of the author's; `payload` is a template."""

    type: str
    payload: Json = None


@dataclass(frozen=True, slots=True)
class Fail:
    """A step that fails; `message` is a template for text."""

    category: ErrorCategory
    message: str


Kind: TypeAlias = (
    AgentTask | Parallel | ForEach | Switch | Loop | ChildWorkflow | Approval | Wait | SetVars | Emit | Fail
)
"""What a step does; it does exactly one thing."""


@dataclass(frozen=True, slots=True)
class Constant:
    """An output that is taken when a step failed."""

    output: Json


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a definition: what is done, and where it goes on afterwards.

    `input` is a template: JSON whose strings may hold `${…}`. None means the default, which is the workflow's
    input and the outputs of the direct predecessors. `depends_on` None means the step, or the whole parallel
    group, that is written before. `on_failure` None leaves it to what is around the step.
    """

    name: str
    kind: Kind
    step_id: str = ""
    when: str | None = None
    depends_on: tuple[str, ...] | None = None
    parallel_execution: bool = False
    input: Json = None
    input_schema: Schema | None = None
    output_schema: Schema | None = None
    conditions: tuple[Condition, ...] = ()
    otherwise: str | None = None
    next: str | None = None
    on_failure: OnFailure | None = None
    fallback: Step | Constant | None = None
    compensate: Step | None = None


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """When a type of agent that fails is left alone, and for how long."""

    failure_threshold: int = 5
    recovery_timeout_seconds: int = 60
    half_open_max_calls: int = 3
    min_throughput: int = 10


@dataclass(frozen=True, slots=True)
class ErrorHandling:
    """What a definition says about failures that no step deals with, in general and by category."""

    on_failure: OnFailure = OnFailure.FAIL
    policies: Mapping[ErrorCategory, CategoryPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text something stands, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ModelBudget:
    """What language models may take in a workflow: tokens, and cents of a US dollar; None for no limit."""

    tokens: int | None = None
    cost_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A named, versioned recipe.

    `output` is a template, or None for the default: the outputs of the last steps, by name. `places` tells where
    in its text each field stands, by path such as `steps[2].conditions[0].if`; it is no part of what is said.
    """

    name: str
    steps: tuple[Step, ...]
    version: str = "1.0.0"
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    input_schema: Schema | None = None
    timeout_seconds: int = 3600
    max_retries: int = 0
    error_handling: ErrorHandling = ErrorHandling()
    breaker: CircuitBreaker = CircuitBreaker()
    model_budget: ModelBudget = ModelBudget()
    output: Json = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
