"""A definition back to a document, and from that to the hash that names its content.

What is at its default is left out. So two texts that say the same have the same hash, and a field that a later
version adds does not change the hashes of definitions that do not use it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields

from .model import AgentTask, Condition, Definition, Json, RetryPolicy, Step

_SAME_NAMES = (
    "capability",
    "task_type",
    "input",
    "input_schema",
    "output_schema",
    "timeout_seconds",
    "queue_timeout_seconds",
    "next",
)


def document(definition: Definition) -> dict[str, Json]:
    """Return the definition as JSON; parsing that gives the same definition."""
    default = Definition("", ())
    said: dict[str, Json] = {"name": definition.name, "version": definition.version}
    for name in ("description", "labels", "input_schema", "timeout_seconds", "max_retries", "output"):
        value = getattr(definition, name)
        if value != getattr(default, name):
            said[name] = value
    said["steps"] = [_step(step) for step in definition.steps]
    return said


def content_hash(definition: Definition) -> str:
    """Return the SHA-256 of the definition's content, in hexadecimal."""
    text = json.dumps(document(definition), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _step(step: Step) -> dict[str, Json]:
    assert isinstance(step.kind, AgentTask)
    task, usual = step.kind, AgentTask()
    said: dict[str, Json] = {"name": step.name, "agent": task.agent_type}
    if step.step_id not in {"", step.name}:
        said["step_id"] = step.step_id
    for name in _SAME_NAMES:
        holder, default = (task, usual) if hasattr(usual, name) else (step, Step("", usual))
        value = getattr(holder, name)
        if value != getattr(default, name):
            said[name] = value
    if task.retry_policy != usual.retry_policy:
        said["retry_policy"] = _retry_policy(task.retry_policy)
    if task.priority is not usual.priority:
        said["priority"] = str(task.priority)
    if step.conditions:
        said["conditions"] = [_condition(condition) for condition in step.conditions]
    if step.otherwise is not None:
        said["else"] = step.otherwise
    return said


def _condition(condition: Condition) -> dict[str, Json]:
    return {"if": condition.if_, "next": condition.next}


def _retry_policy(policy: RetryPolicy) -> dict[str, Json]:
    default = RetryPolicy()
    said = {field.name: getattr(policy, field.name) for field in fields(policy)}
    said["retriable_errors"] = sorted(str(category) for category in policy.retriable_errors)
    return {name: value for name, value in said.items() if getattr(policy, name) != getattr(default, name)}
