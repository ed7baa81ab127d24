"""The circuit breaker of a type of agents: whether its agents are to be given a tenant's tasks.

Closed, it counts. It opens once `failure_threshold` attempts have failed in a row, if at least `min_throughput`
attempts ended within the last `recovery_timeout_seconds`: a handful of failures while hardly anything goes on says
nothing. One attempt that goes well ends the row. Open, nothing is given out; tasks wait, and no attempt is burnt.
After `recovery_timeout_seconds` it is half open: `half_open_max_calls` tasks at a time are given out as trials. When as
many have gone well it closes, and at the first that fails it opens again.

Several replicas count; each tells what it saw as a `Tally`. The order between replicas does not matter for what is
promised: a row of failures that nobody's success interrupts opens the breaker, whoever saw which of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from archwright.language.model import ErrorCategory


@dataclass(frozen=True, slots=True)
class BreakerConfig:
    """The numbers of a breaker: the seed's CircuitBreakerConfig."""

    failure_threshold: int = 5
    recovery_timeout_seconds: int = 60
    half_open_max_calls: int = 3
    min_throughput: int = 10

    @property
    def recovery(self) -> timedelta:
        """How long it stays open, and how far back attempts count."""
        return timedelta(seconds=self.recovery_timeout_seconds)


class BreakerState(StrEnum):
    """Whether tasks are given out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


BREAKER_TRANSITIONS: Mapping[BreakerState, frozenset[BreakerState]] = {
    BreakerState.CLOSED: frozenset({BreakerState.OPEN}),
    BreakerState.OPEN: frozenset({BreakerState.HALF_OPEN, BreakerState.CLOSED}),
    BreakerState.HALF_OPEN: frozenset({BreakerState.CLOSED, BreakerState.OPEN}),
}
"""Every move a breaker may make. An open one closes directly only where a person resets it."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a breaker stands. `since` is when it came to be in its state, or when a closed one began to count."""

    since: datetime
    state: BreakerState = BreakerState.CLOSED
    calls: int = 0
    """Attempts that ended within the window; of a half-open one, trials that went well."""
    failures: int = 0
    """Failed attempts in a row, up to now."""
    trials: int = 0
    """Trials that are under way."""

    def open_until(self, config: BreakerConfig) -> datetime | None:
        """Return when an open breaker is half open, None of any other."""
        return self.since + config.recovery if self.state is BreakerState.OPEN else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What one replica saw: attempts that ended, and how many of the last ones failed in a row."""

    calls: int = 0
    failures: int = 0

    @property
    def had_success(self) -> bool:
        """Whether one of them went well."""
        return self.calls > self.failures


def at(breaker: Breaker, now: datetime, config: BreakerConfig) -> Breaker:
    """Return how a breaker stands at a time, if nothing happens until then."""
    is_over = now - breaker.since >= config.recovery
    match breaker.state:
        case BreakerState.CLOSED if is_over:
            return Breaker(now)
        case BreakerState.OPEN if is_over:
            return Breaker(now, BreakerState.HALF_OPEN)
        case BreakerState.HALF_OPEN if is_over and breaker.trials:
            # Trials of which nothing was heard for so long were lost; their permits must not be.
            return replace(breaker, since=now, trials=0)
        case _:
            return breaker


def counted(breaker: Breaker, tally: Tally, now: datetime, config: BreakerConfig) -> Breaker:
    """Return how a breaker stands once a tally is in it."""
    breaker = at(breaker, now, config)
    if not tally.calls:
        return breaker
    failures = tally.failures if tally.had_success else breaker.failures + tally.failures
    match breaker.state:
        case BreakerState.CLOSED:
            calls = breaker.calls + tally.calls
            if failures >= config.failure_threshold and calls >= config.min_throughput:
                return Breaker(now, BreakerState.OPEN, failures=failures)
            return replace(breaker, calls=calls, failures=failures)
        case BreakerState.HALF_OPEN:
            if tally.failures:
                return Breaker(now, BreakerState.OPEN, failures=failures)
            went_well = breaker.calls + tally.calls
            if went_well >= config.half_open_max_calls:
                return Breaker(now)
            return replace(breaker, calls=went_well, trials=max(0, breaker.trials - tally.calls))
        case BreakerState.OPEN:
            return breaker  # of attempts that began before it opened


def trials_granted(breaker: Breaker, wanted: int, config: BreakerConfig) -> int:
    """Return how many of the wanted tasks may be given out as trials by a half-open breaker."""
    if breaker.state is not BreakerState.HALF_OPEN:
        return 0
    return max(0, min(wanted, config.half_open_max_calls - breaker.trials - breaker.calls))


def is_failure(category: ErrorCategory, code: str) -> bool | None:
    """Return whether an attempt that ended so speaks against its agents; None when it says nothing of them.

    An agent that says that the domain forbids it, or that the input is wrong, works well; one that has no capacity
    says nothing of whether it does. Nor does one that lost touch with us: of those the sweep of the lost tells.
    """
    match category:
        case _ if code == "LEASE_EXPIRED":
            return None
        case ErrorCategory.TRANSIENT | ErrorCategory.TIMEOUT:
            return True
        case ErrorCategory.CAPACITY:
            return None
        case _:
            return code == "AGENT_FAULT"
