"""A definition back to a document, and from that to the hash that names its content.

What is at its default is left out. So two texts that say the same have the same hash, and a field that a later
version adds does not change the hashes of definitions that do not use it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import assert_never

from .model import (
    AgentTask,
    Approval,
    ChildWorkflow,
    CircuitBreaker,
    Condition,
    Constant,
    Definition,
    Emit,
    ErrorHandling,
    Fail,
    ForEach,
    Json,
    Loop,
    ModelBudget,
    OnFailure,
    Parallel,
    RetryPolicy,
    SetVars,
    Step,
    Switch,
    Wait,
)
from .parse import usual_retries

_BESIDE_STEPS = ("description", "labels", "input_schema", "timeout_seconds", "max_retries", "output")
_BESIDE_KINDS = ("when", "parallel_execution", "input", "input_schema", "output_schema", "next")
_PLAIN_OF_TASKS = (
    *("capability", "labels", "selection", "task_type", "timeout_seconds", "queue_timeout_seconds"),
    *("idle_timeout_seconds", "priority", "on_unavailable", "idempotency_key"),
)


def document(definition: Definition) -> dict[str, Json]:
    """Return the definition as JSON; parsing that gives the same definition."""
    said: dict[str, Json] = {"name": definition.name, "version": definition.version}
    said |= _unusual(definition, Definition("", ()), _BESIDE_STEPS)
    if definition.error_handling != ErrorHandling():
        said["error_handling"] = _error_handling(definition.error_handling)
    if definition.breaker != CircuitBreaker():
        names = [field.name for field in fields(definition.breaker)]
        said["defaults"] = {"breaker": _unusual(definition.breaker, CircuitBreaker(), names)}
    if definition.model_budget != ModelBudget():
        said["model_budget"] = _unusual(definition.model_budget, ModelBudget(), ("tokens", "cost_cents"))
    said["steps"] = _Steps(definition).body(definition.steps)
    return said


def content_hash(definition: Definition) -> str:
    """Return the SHA-256 of the definition's content, in hexadecimal."""
    text = json.dumps(document(definition), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Steps:
    """Writes the steps of one definition."""

    def __init__(self, definition: Definition) -> None:
        self._usual_retries = RetryPolicy(retriable_errors=usual_retries(definition.error_handling.policies))

    def body(self, steps: Iterable[Step]) -> list[Json]:
        return [self.step(step) for step in steps]

    def step(self, step: Step) -> dict[str, Json]:
        said: dict[str, Json] = {"name": step.name, **self._kind(step)}
        if step.step_id not in {"", step.name}:
            said["step_id"] = step.step_id
        if step.depends_on is not None:
            said["depends_on"] = list(step.depends_on)
        said |= _unusual(step, Step("", step.kind), _BESIDE_KINDS)
        if step.conditions:
            said["conditions"] = [_condition(condition) for condition in step.conditions]
        if step.otherwise is not None:
            said["else"] = step.otherwise
        if step.on_failure is not None and (step.on_failure is not OnFailure.FALLBACK or step.fallback is None):
            said["on_failure"] = str(step.on_failure)
        match step.fallback:
            case Constant(output=output):
                said["fallback"] = {"output": output}
            case Step() as fallback:
                said["fallback"] = self.step(fallback)
        if step.compensate is not None:
            said["compensate"] = self.step(step.compensate)
        return said

    def _kind(self, step: Step) -> dict[str, Json]:
        match step.kind:
            case AgentTask() as task:
                return self._task(task)
            case Parallel() as parallel:
                branches = {branch.name: self.body(branch.steps) for branch in parallel.branches}
                return {"parallel": {"branches": branches, **_given(parallel, ("join", "on_branch_failure"))}}
            case ForEach() as foreach:
                limits = _given(foreach, ("max_concurrency", "on_item_failure"))
                return {
                    "foreach": {"items": foreach.items, "as": foreach.as_, "steps": self.body(foreach.steps), **limits}
                }
            case Switch() as switch:
                cases = [{"if": case.if_, "steps": self.body(case.steps)} for case in switch.cases]
                otherwise = {} if switch.otherwise is None else {"else": self.body(switch.otherwise)}
                return {"switch": {"cases": cases, **otherwise}}
            case Loop() as loop:
                while_ = {} if loop.while_ is None else {"while": loop.while_}
                ends = {**_given(loop, ("until", "max_iterations")), **while_}
                return {"loop": {"steps": self.body(loop.steps), **ends}}
            case ChildWorkflow(definition=definition, version=version):
                return {"workflow": {"name": definition, "version": version} if version else definition}
            case Approval() as approval:
                return {"approval": _approval(approval)}
            case Wait() as wait:
                return {"wait": _wait(wait)}
            case SetVars(values=values):
                return {"set": dict(values)}
            case Emit() as emit:
                return {"emit": {"type": emit.type, **_given(emit, ("payload",))}}
            case Fail(category=category, message=message):
                return {"fail": {"category": str(category), "message": message}}
            case _:
                assert_never(step.kind)

    def _task(self, task: AgentTask) -> dict[str, Json]:
        said: dict[str, Json] = {"agent": task.agent_type} if task.agent_type else {}
        said |= _unusual(task, AgentTask(), _PLAIN_OF_TASKS)
        if task.retry_policy != self._usual_retries:
            said["retry_policy"] = self._retry_policy(task.retry_policy)
        if task.cache is not None:
            said["cache"] = {"key": task.cache.key, "ttl_seconds": task.cache.ttl_seconds}
        return said

    def _retry_policy(self, policy: RetryPolicy) -> dict[str, Json]:
        names = [field.name for field in fields(policy)]
        said = _unusual(policy, self._usual_retries, names)
        if "retriable_errors" in said:
            said["retriable_errors"] = sorted(str(category) for category in policy.retriable_errors)
        return said


def _error_handling(handling: ErrorHandling) -> dict[str, Json]:
    said = _unusual(handling, ErrorHandling(), ("on_failure",))
    if handling.policies:
        said["policies"] = {str(category): str(policy) for category, policy in handling.policies.items()}
    return said


def _approval(approval: Approval) -> dict[str, Json]:
    said: dict[str, Json] = {"approvers": list(approval.approvers)}
    said |= _unusual(approval, Approval(()), ("quorum", "on_expiry", "on_reject"))
    if approval.expires_after_seconds is not None:
        said["expires_after"] = approval.expires_after_seconds
    if approval.escalate_to:
        said["escalate_to"] = list(approval.escalate_to)
    if approval.artifacts:
        said["artifacts"] = list(approval.artifacts)
    if approval.separate_from:
        said["separate_from"] = list(approval.separate_from)
    return said


def _wait(wait: Wait) -> dict[str, Json]:
    said = _given(wait, ("seconds", "until", "signal", "timeout_seconds"))
    if isinstance(wait.seconds, float) and wait.seconds.is_integer():
        said["seconds"] = int(wait.seconds)  # as it is read
    return said


def _condition(condition: Condition) -> dict[str, Json]:
    return {"if": condition.if_, "next": condition.next}


def _unusual(holder: object, usual: object, names: Iterable[str]) -> dict[str, Json]:
    """Return those fields whose values are not the usual ones."""
    held = {name: getattr(holder, name) for name in names}
    return {name: _plain(value) for name, value in held.items() if value != getattr(usual, name)}


def _given(holder: object, names: Iterable[str]) -> dict[str, Json]:
    """Return those fields that have a value."""
    held = {name: getattr(holder, name) for name in names}
    return {name: _plain(value) for name, value in held.items() if value is not None}


def _plain(value: Json) -> Json:
    match value:
        case StrEnum():
            return str(value)
        case Mapping():
            return dict(value)
        case _:
            return value
