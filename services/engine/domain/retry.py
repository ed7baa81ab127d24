"""When a failed attempt is tried again."""

from __future__ import annotations

from archwright.language.model import ErrorCategory, RetryPolicy

_DOUBLINGS_MAX = 32  # 2^32 seconds is beyond every limit that a policy may name


def is_charged(category: ErrorCategory) -> bool:
    """Return whether a failure counts against the policy's attempts. Overload does not: it is nobody's mistake."""
    return category is not ErrorCategory.CAPACITY


def is_retried(policy: RetryPolicy, category: ErrorCategory, failures: int) -> bool:
    """Return whether a task with that many charged failures, this one included, is tried again."""
    if category is ErrorCategory.CAPACITY:
        return True
    return category in policy.retriable_errors and failures < policy.max_attempts


def pause_seconds(policy: RetryPolicy, failures: int, chance: float, wished_seconds: float = 0.0) -> float:
    """Return how long to wait before the next attempt, in seconds.

    `base · 2^(failures-1)`, at most the policy's maximum, times `chance` in [0, 1) when jitter is on ("full
    jitter"); never shorter than the agent wished for.
    """
    doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX) if policy.exponential_backoff else 0
    longest = min(policy.base_delay_seconds * float(2**doublings), policy.max_delay_seconds)
    return max(longest * chance if policy.jitter else longest, wished_seconds)
