"""A text to a definition.

Parsing says what is wrong with the text itself: fields, types and bounds. What is wrong with its meaning, such as
a target that is not there, is for `check`, so that an unfinished definition can still be read. Defaults that a
definition gives for its steps are filled in here: a step says all that holds for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import tree
from .fields import Fields
from .findings import Findings
from .model import (
    AgentTask,
    CategoryPolicy,
    CircuitBreaker,
    Definition,
    ErrorCategory,
    ErrorHandling,
    ModelBudget,
    OnFailure,
    RetryPolicy,
)
from .parse_agents import read_retry_policy
from .parse_steps import StepReader
from .read import read
from .refusal import refusal
from .tree import Entry, Malformed, Node
from .words import BREAKER, DEFAULTS, DEFINITION, ERROR_HANDLING, MODEL_BUDGET

__all__ = ["parse", "usual_retries"]


def parse(source: str) -> Definition:
    """Return what `source`, in YAML or JSON, says.

    Raises DefinitionInvalid with every problem that was found, and PayloadTooLarge.
    """
    findings = Findings()
    try:
        root = read(source)
    except Malformed as malformed:
        findings.object_to("", malformed.place, malformed.description)
        raise refusal(findings.violations) from None
    definition = _definition(root, findings)
    if definition is None or findings.violations:
        raise refusal(findings.violations)
    return definition


def usual_retries(policies: Mapping[ErrorCategory, CategoryPolicy]) -> frozenset[ErrorCategory]:
    """Return which errors are tried again by steps that do not say it, as a definition's policies have it."""
    asked = {category for category, policy in policies.items() if policy is CategoryPolicy.RETRY}
    return frozenset(asked | RetryPolicy().retriable_errors - policies.keys())


def _definition(root: Node, findings: Findings) -> Definition | None:
    if not isinstance(root, tree.Mapping):
        findings.object_to("", root.place, f"a definition is a mapping with `name` and `steps`, not {tree.kind(root)}")
        return None
    match root.entries:
        case {"workflow": Entry(node=tree.Mapping() as inner), **others}:
            for word, entry in others.items():
                findings.object_to(word, entry.key_place, "stands beside `workflow`; move it into it")
            root = inner
    fields = Fields(root, "", DEFINITION, findings)
    for word in ("workflow_id", "created_at", "created_by"):
        fields.text(word)
    error_handling = _error_handling(fields.open("error_handling", ERROR_HANDLING))
    task, breaker = _defaults(fields.open("defaults", DEFAULTS), error_handling)
    fields.require("steps", "a definition needs `steps`, a list of at least one")
    return Definition(
        name=fields.required_text("name"),
        version=fields.text("version", "1.0.0"),
        description=fields.text("description"),
        labels=fields.texts("labels"),
        input_schema=fields.schema("input_schema"),
        timeout_seconds=fields.whole_number("timeout_seconds", 3600),
        max_retries=fields.whole_number("max_retries", 0),
        error_handling=error_handling,
        breaker=breaker,
        model_budget=_model_budget(fields.open("model_budget", MODEL_BUDGET)),
        steps=StepReader(findings, task).body(fields, "steps"),
        output=fields.template("output"),
        places=findings.places,
    )


def _model_budget(fields: Fields | None) -> ModelBudget:
    if fields is None:
        return ModelBudget()
    return ModelBudget(fields.optional_whole_number("tokens"), fields.optional_whole_number("cost_cents"))


def _error_handling(fields: Fields | None) -> ErrorHandling:
    if fields is None:
        return ErrorHandling()
    return ErrorHandling(
        on_failure=fields.choice("on_failure", OnFailure.FAIL),
        policies=fields.choice_by_choice("policies", ErrorCategory, CategoryPolicy),
    )


def _defaults(fields: Fields | None, error_handling: ErrorHandling) -> tuple[AgentTask, CircuitBreaker]:
    """Read what holds for every agent step that does not say otherwise, and the breaker."""
    usual = RetryPolicy(retriable_errors=usual_retries(error_handling.policies))
    task = AgentTask(retry_policy=usual)
    if fields is None:
        return task, CircuitBreaker()
    task = replace(
        task,
        retry_policy=read_retry_policy(fields, usual),
        timeout_seconds=fields.whole_number("timeout_seconds", task.timeout_seconds),
        queue_timeout_seconds=fields.optional_whole_number("queue_timeout_seconds"),
        idle_timeout_seconds=fields.optional_whole_number("idle_timeout_seconds"),
        priority=fields.choice("priority", task.priority),
    )
    return task, _breaker(fields.open("breaker", BREAKER))


def _breaker(fields: Fields | None) -> CircuitBreaker:
    usual = CircuitBreaker()
    if fields is None:
        return usual
    return CircuitBreaker(
        failure_threshold=fields.whole_number("failure_threshold", usual.failure_threshold),
        recovery_timeout_seconds=fields.whole_number("recovery_timeout_seconds", usual.recovery_timeout_seconds),
        half_open_max_calls=fields.whole_number("half_open_max_calls", usual.half_open_max_calls),
        min_throughput=fields.whole_number("min_throughput", usual.min_throughput),
    )
