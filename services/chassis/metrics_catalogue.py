"""Every metric that our services export: its name, what it says, its labels and its buckets, once for code and docs.

The first seven have the names of the design that this engine was built from, the others begin with `archwright_`. No
label names a tenant, a workflow, a definition or an agent: of those there may be any number, and what one tenant does
is no business of whoever may read another's figures. Types of agents are the one label that people invent; see
`Metrics.agent_type`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a metric does: a counter only grows, a gauge stands somewhere, a histogram counts by size."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Across(StrEnum):
    """How the figures of several replicas make one: each tells its own share, or all tell the same."""

    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as all that export, show or alert on it know it."""

    name: str
    kind: Kind
    service: str
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """The upper bounds of a histogram's buckets; the last, without bound, goes without saying."""
    across: Across = Across.SUM


_HOUR, _DAY = 3_600.0, 86_400.0

WORKFLOW_EXECUTIONS: Final = Metric(
    "workflow_executions_total",
    Kind.COUNTER,
    "engine",
    "Executions that came to an end, by the status they ended in; one that is retried ends once more.",
    ("status",),
)
WORKFLOW_DURATION: Final = Metric(
    "workflow_duration_seconds",
    Kind.HISTOGRAM,
    "engine",
    "Time from a workflow's acceptance to its end, pauses and waits included; an end after a retry is left out.",
    ("status",),
    (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, _HOUR, 4 * _HOUR, _DAY, 7 * _DAY),
)
WORKFLOW_FAILURES: Final = Metric(
    "workflow_failures_total",
    Kind.COUNTER,
    "engine",
    "Executions that failed, by the category of the failure; those that were called off did not fail.",
    ("category",),
)
AGENT_TASK_DURATION: Final = Metric(
    "agent_task_duration_seconds",
    Kind.HISTOGRAM,
    "engine",
    "Time from handing a task to an agent to how that attempt ended; what was called off is left out.",
    ("agent_type", "outcome"),
    (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, _HOUR),
)
AGENT_FAILURES: Final = Metric(
    "agent_failures_total",
    Kind.COUNTER,
    "engine",
    "Attempts that failed, by the type of their agents and the category; lost agents and time limits included.",
    ("agent_type", "category"),
)
QUEUE_DEPTH: Final = Metric(
    "queue_depth_gauge",
    Kind.GAUGE,
    "engine",
    "Tasks that wait for an agent, by the type they ask for, `(any)` where they ask for none.",
    ("agent_type", "priority"),
    across=Across.MAX,
)
ACTIVE_WORKFLOWS: Final = Metric(
    "active_workflows_gauge",
    Kind.GAUGE,
    "engine",
    "Workflows that have not ended, by status.",
    ("status",),
    across=Across.MAX,
)
COMMIT_BATCH_SIZE: Final = Metric(
    "archwright_commit_batch_size",
    Kind.HISTOGRAM,
    "engine",
    "Workflows that one commit moved on.",
    buckets=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
)
LEASE_EXPIRIES: Final = Metric(
    "archwright_lease_expiries_total",
    Kind.COUNTER,
    "engine",
    "Attempts that were taken from an agent that was lost, or that came back without them.",
    ("agent_type",),
)
BREAKERS: Final = Metric(
    "archwright_breakers",
    Kind.GAUGE,
    "engine",
    "Tenants for which the circuit breaker of a type of agents is open, or half open.",
    ("agent_type", "state"),
    across=Across.MAX,
)
OUTBOX_LAG: Final = Metric(
    "archwright_outbox_lag_seconds",
    Kind.GAUGE,
    "engine",
    "Age of the oldest commit that is not noted as published; under a second is usual.",
    across=Across.MAX,
)
STREAM_SESSIONS: Final = Metric(
    "archwright_stream_sessions",
    Kind.GAUGE,
    "engine",
    "Streams of agents that are open.",
    ("agent_type",),
)
INVARIANT_VIOLATIONS: Final = Metric(
    "archwright_invariant_violations_total",
    Kind.COUNTER,
    "engine",
    "Times that something was seen which must never happen; anything above zero is a bug.",
    ("invariant",),
)
AGENTS: Final = Metric(
    "archwright_agents",
    Kind.GAUGE,
    "registry",
    "Registered agents, by how they stand.",
    ("agent_type", "status"),
    across=Across.MAX,
)
WATCHERS: Final = Metric(
    "archwright_watchers", Kind.GAUGE, "realtime", "WebSockets that are open, by what they are told.", ("kind",)
)
WATCHERS_CLOSED: Final = Metric(
    "archwright_watchers_closed_total",
    Kind.COUNTER,
    "realtime",
    "WebSockets that were closed by us, by close code; those that went by themselves are left out.",
    ("code",),
)
NOTIFICATIONS: Final = Metric(
    "archwright_notifications_total",
    Kind.COUNTER,
    "notifier",
    "Messages that were to be delivered, by the kind of their channel and by what came of them.",
    ("channel", "outcome"),
)
MODEL_COMMITS: Final = Metric(
    "archwright_model_commits_total",
    Kind.COUNTER,
    "repository",
    "Finished workflows whose files were to be committed to a repository of models, by what came of it.",
    ("outcome",),
)
CHANGES: Final = Metric(
    "archwright_changes_total",
    Kind.COUNTER,
    "changes",
    "What came of changes in change management systems: opened, decided there, withdrawn, or in a state unknown to us.",
    ("system", "outcome"),
)
EVENTS_RECEIVED: Final = Metric(
    "archwright_events_received_total",
    Kind.COUNTER,
    "receivers",
    "Attempts to deal with an event of the bus, by the group that received it and by what came of them.",
    ("group", "outcome"),
)

CATALOGUE: Final = (
    WORKFLOW_EXECUTIONS,
    WORKFLOW_DURATION,
    WORKFLOW_FAILURES,
    AGENT_TASK_DURATION,
    AGENT_FAILURES,
    QUEUE_DEPTH,
    ACTIVE_WORKFLOWS,
    COMMIT_BATCH_SIZE,
    LEASE_EXPIRIES,
    BREAKERS,
    OUTBOX_LAG,
    STREAM_SESSIONS,
    INVARIANT_VIOLATIONS,
    AGENTS,
    WATCHERS,
    WATCHERS_CLOSED,
    NOTIFICATIONS,
    MODEL_COMMITS,
    CHANGES,
    EVENTS_RECEIVED,
)
"""All of them, in the order in which they are documented."""
