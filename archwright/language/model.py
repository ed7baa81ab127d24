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


@dataclass(frozen=True, slots=True)
class Condition:
    """Where to go when an expression is true."""

    if_: str
    next: str


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a definition: what is done by whom, and where it goes on afterwards.

    `input` is a template: JSON whose strings may hold `${…}`. None means the default, which is the workflow's
    input and the outputs of the direct predecessors. `queue_timeout_seconds` None means as long as the workflow.
    """

    name: str
    agent_type: str
    step_id: str = ""
    capability: str = ""
    task_type: str = ""
    input: Json = None
    input_schema: Schema | None = None
    output_schema: Schema | None = None
    timeout_seconds: int = 600
    queue_timeout_seconds: int | None = None
    retry_policy: RetryPolicy = RetryPolicy()
    priority: Priority = Priority.NORMAL
    conditions: tuple[Condition, ...] = ()
    otherwise: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a text something stands, counted from 1."""

    line: int
    column: int


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
    output: Json = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
