"""Reads agent steps, on top of what holds for every one of them."""

from __future__ import annotations

from .fields import Fields
from .model import AgentTask, Cache, ErrorCategory, RetryPolicy
from .words import RETRY_POLICY
from .words_of_steps import CACHE


def read_task(fields: Fields, usual: AgentTask) -> AgentTask:
    """Read what a step has an agent do."""
    queue_timeout_seconds = fields.optional_whole_number("queue_timeout_seconds")
    idle_timeout_seconds = fields.optional_whole_number("idle_timeout_seconds")
    return AgentTask(
        agent_type=fields.text("agent"),
        capability=fields.text("capability"),
        labels=fields.texts("labels"),
        selection=fields.choice("selection", usual.selection),
        task_type=fields.text("task_type"),
        timeout_seconds=fields.whole_number("timeout_seconds", usual.timeout_seconds),
        queue_timeout_seconds=usual.queue_timeout_seconds if queue_timeout_seconds is None else queue_timeout_seconds,
        idle_timeout_seconds=usual.idle_timeout_seconds if idle_timeout_seconds is None else idle_timeout_seconds,
        retry_policy=read_retry_policy(fields, usual.retry_policy),
        priority=fields.choice("priority", usual.priority),
        on_unavailable=fields.choice("on_unavailable", usual.on_unavailable),
        cache=_cache(fields.open("cache", CACHE)),
        idempotency_key=fields.text("idempotency_key"),
    )


def read_retry_policy(around: Fields, usual: RetryPolicy) -> RetryPolicy:
    """Read the `retry_policy` of a mapping; what it leaves out is as usual."""
    fields = around.open("retry_policy", RETRY_POLICY)
    if fields is None:
        return usual
    policy = RetryPolicy(
        max_attempts=fields.whole_number("max_attempts", usual.max_attempts),
        base_delay_seconds=float(fields.number("base_delay_seconds", usual.base_delay_seconds)),
        max_delay_seconds=float(fields.number("max_delay_seconds", usual.max_delay_seconds)),
        exponential_backoff=fields.truth("exponential_backoff", usual.exponential_backoff),
        jitter=fields.truth("jitter", usual.jitter),
        retriable_errors=fields.choices("retriable_errors", usual.retriable_errors, ErrorCategory),
    )
    if policy.max_delay_seconds < policy.base_delay_seconds:
        name = "max_delay_seconds" if "max_delay_seconds" in fields else "base_delay_seconds"
        fields.object_to(
            name,
            f"max_delay_seconds ({policy.max_delay_seconds:g}) is less than "
            f"base_delay_seconds ({policy.base_delay_seconds:g})",
        )
    return policy


def _cache(fields: Fields | None) -> Cache | None:
    if fields is None:
        return None
    fields.require("ttl_seconds", "`cache` needs `ttl_seconds`, for how long an output is used again")
    return Cache(key=fields.required_text("key"), ttl_seconds=fields.whole_number("ttl_seconds", 1))
