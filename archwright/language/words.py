"""The words of a definition, and of what steps have in common: which field may stand where, and what it holds."""

from __future__ import annotations

import re

from .model import (
    CategoryPolicy,
    ErrorCategory,
    OnFailure,
    Priority,
)
from .shapes import (
    SECONDS_MAX,
    STEPS_MAX,
    AnyOf,
    Anything,
    Choice,
    ChoiceByChoice,
    Choices,
    Expression,
    Field,
    Form,
    LoneStep,
    Nested,
    NestedList,
    Number,
    SchemaShape,
    Steps,
    Template,
    Text,
    TextList,
    Texts,
    Truth,
    WholeNumber,
    Words,
)

_WORD_RULE = "lower-case letters, digits and underscores, a letter first, at most 64"
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
DEFINITION_NAME = Form(
    re.compile(r"[a-z][a-z0-9_-]{0,127}"),
    "lower-case letters, digits, underscores and hyphens, a letter first, at most 128",
    "architecture_creation",
)
STEP_NAME = Form(_WORD, _WORD_RULE, "requirement_analysis")
AGENT_TYPE = Form(_WORD, _WORD_RULE, "business_analyst")
TASK_TYPE = Form(_WORD, _WORD_RULE, "analyze")
NAME = Form(_WORD, _WORD_RULE, "total")
_NUMBERS = r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}"
VERSION = Form(re.compile(_NUMBERS + r"(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?"), "a semantic version", "1.0.0")

SECONDS = WholeNumber(1, SECONDS_MAX)
LABELS = Texts(64)

RETRY_POLICY = Words(
    owner="a retry_policy",
    fields={
        "max_attempts": Field(WholeNumber(1, 100), "How often it is tried in all."),
        "base_delay_seconds": Field(Number(0, SECONDS_MAX), "How long the first pause is."),
        "max_delay_seconds": Field(Number(0, SECONDS_MAX), "How long a pause may become."),
        "exponential_backoff": Field(Truth(), "Whether each pause is twice as long as the one before."),
        "jitter": Field(Truth(), "Whether a pause is a random part of its length."),
        "retriable_errors": Field(Choices(tuple(ErrorCategory)), "Which categories of errors are tried again."),
    },
)

BREAKER = Words(
    owner="a breaker",
    fields={
        "failure_threshold": Field(WholeNumber(1, 10_000), "How many failures in a row open it."),
        "recovery_timeout_seconds": Field(SECONDS, "How long it stays open before it is tried again."),
        "half_open_max_calls": Field(WholeNumber(1, 1000), "How many tasks try it then."),
        "min_throughput": Field(WholeNumber(1, 10_000), "How many tasks there must have been for it to judge."),
    },
)

DEFAULTS = Words(
    owner="`defaults`",
    fields={
        "retry_policy": Field(Nested(RETRY_POLICY), "When and how often a failed attempt is tried again."),
        "timeout_seconds": Field(SECONDS, "How long one attempt may take."),
        "queue_timeout_seconds": Field(SECONDS, "How long a task may wait for an agent."),
        "idle_timeout_seconds": Field(SECONDS, "How long an agent may be silent about a task."),
        "priority": Field(Choice(tuple(Priority)), "How urgent the tasks are."),
        "breaker": Field(Nested(BREAKER), "When a type of agent that fails is left alone, and for how long."),
    },
    elsewhere={"on_failure": "belongs into `error_handling`"},
)

ERROR_HANDLING = Words(
    owner="`error_handling`",
    fields={
        "on_failure": Field(
            Choice((OnFailure.FAIL, OnFailure.CONTINUE, OnFailure.COMPENSATE)),
            "What becomes of the workflow when a step has failed and nothing nearer says it.",
        ),
        "policies": Field(
            ChoiceByChoice(tuple(ErrorCategory), tuple(CategoryPolicy)),
            "The same by category of errors; `retry` adds the category to those that are tried again.",
        ),
    },
)

MODEL_BUDGET = Words(
    owner="`model_budget`",
    fields={
        "tokens": Field(WholeNumber(0, 1_000_000_000), "How many tokens, read and written together."),
        "cost_cents": Field(WholeNumber(0, 100_000_000), "How much money, in cents of a US dollar."),
    },
)

CONDITION = Words(
    owner="a condition",
    fields={
        "if": Field(Expression(), "Whether to go there."),
        "next": Field(Text(STEP_NAME), "The step to go to, or `end`."),
        "else": Field(Text(STEP_NAME), "Where to go when no condition is true; comes last and alone."),
    },
    required=(("if", "next"), ("else",)),
)

FALLBACK_OUTPUT = Words(
    owner="a constant fallback",
    fields={"output": Field(Anything(), "What is taken for the step's output.")},
    required=(("output",),),
)

DEFINITION = Words(
    owner="a definition",
    fields={
        "name": Field(Text(DEFINITION_NAME), "What it is called."),
        "version": Field(Text(VERSION), "Its semantic version; a published one never changes."),
        "description": Field(Text(longest=4000), "One sentence for people."),
        "labels": Field(LABELS, "Words and text to find it by."),
        "input_schema": Field(SchemaShape(), "A start whose input does not fit is refused."),
        "timeout_seconds": Field(SECONDS, "How long the whole workflow may take."),
        "max_retries": Field(WholeNumber(0, 100), "How often a failed workflow is retried by itself."),
        "model_budget": Field(Nested(MODEL_BUDGET), "What language models may take; without it, no limit."),
        "error_handling": Field(Nested(ERROR_HANDLING), "What becomes of failures that no step deals with."),
        "defaults": Field(Nested(DEFAULTS), "What holds for every agent step that does not say otherwise."),
        "steps": Field(Steps(), "What is done, in order."),
        "output": Field(Template(), "What the workflow comes to; the outputs of the last steps by name otherwise."),
        # The engine knows these better; definitions written out of the seed's dataclass have them.
        "workflow_id": Field(Text(), "Accepted and not kept."),
        "created_at": Field(Text(), "Accepted and not kept."),
        "created_by": Field(Text(), "Accepted and not kept."),
    },
    elsewhere={"breaker": "belongs into `defaults`", "retry_policy": "belongs into `defaults`"},
    required=(("name", "steps"),),
)

LONE = {
    "name": Field(Text(STEP_NAME), "What the step is called; unique in the definition."),
    "step_id": Field(Text(longest=128), "An id of your own; unique."),
    "when": Field(Expression(), "The step is skipped when this is false."),
    "on_failure": Field(Choice(tuple(OnFailure)), "What becomes of things when the step has failed for good."),
    "fallback": Field(
        AnyOf((LoneStep(), Nested(FALLBACK_OUTPUT))), "A step that is done, or an output that is taken, instead."
    ),
    "compensate": Field(LoneStep(), "A step that undoes this one when the workflow compensates."),
}
"""What every step may say, also one that stands alone, as a fallback or a compensation does."""

NEIGHBOURLY = {
    "depends_on": Field(TextList(STEP_NAME, STEPS_MAX), "The steps of the same list that are done before."),
    "parallel_execution": Field(Truth(), "Neighbours that say so are done at the same time."),
    "conditions": Field(NestedList(CONDITION), "Where to go, and when."),
    "else": Field(Text(STEP_NAME), "Where to go when no condition is true."),
    "next": Field(Text(STEP_NAME), "Where to go; the step written next otherwise. `end` finishes the path."),
}
"""What a step says about those beside it."""
