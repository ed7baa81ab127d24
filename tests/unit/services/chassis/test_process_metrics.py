"""What a process exports: by the catalogue, and never more of it than is bounded."""

from __future__ import annotations

from pathlib import Path

from services.chassis.metrics import AGENT_TYPES_MAX, ANY_TYPE, OTHER_TYPES, Metrics
from services.chassis.metrics_catalogue import (
    AGENT_FAILURES,
    CATALOGUE,
    COMMIT_BATCH_SIZE,
    OUTBOX_LAG,
    WORKFLOW_FAILURES,
    Kind,
)


def test_what_is_counted_is_exported() -> None:
    metrics = Metrics()
    failures = metrics.counter(AGENT_FAILURES)

    failures.add("writer", "transient")
    failures.add("writer", "transient")
    failures.add("editor", "timeout")

    told = metrics.registry.get_sample_value
    assert told("agent_failures_total", {"agent_type": "writer", "category": "transient"}) == 2
    assert told("agent_failures_total", {"agent_type": "editor", "category": "timeout"}) == 1


def test_a_counter_that_has_begun_is_zero() -> None:
    metrics = Metrics()
    failures = metrics.counter(WORKFLOW_FAILURES)

    failures.begin("permanent")
    assert metrics.registry.get_sample_value("workflow_failures_total", {"category": "permanent"}) == 0

    failures.add("permanent")
    assert metrics.registry.get_sample_value("workflow_failures_total", {"category": "permanent"}) == 1


def test_sizes_are_counted_in_buckets() -> None:
    metrics = Metrics()
    sizes = metrics.histogram(COMMIT_BATCH_SIZE)

    for size in (1, 3, 500):
        sizes.observe(size)

    told = metrics.registry.get_sample_value
    assert told("archwright_commit_batch_size_bucket", {"le": "5.0"}) == 2
    assert told("archwright_commit_batch_size_bucket", {"le": "+Inf"}) == 3
    assert told("archwright_commit_batch_size_sum") == 504


def test_a_gauge_stands_where_it_is_found_and_nowhere_when_nothing_is_found() -> None:
    metrics, found = Metrics(), {(): 1.5}
    metrics.gauge(OUTBOX_LAG, lambda: found)
    assert metrics.registry.get_sample_value("archwright_outbox_lag_seconds") == 1.5

    found.clear()
    assert metrics.registry.get_sample_value("archwright_outbox_lag_seconds") is None


def test_types_of_agents_beyond_what_is_bounded_share_one_figure() -> None:
    metrics = Metrics()
    first = [metrics.agent_type(f"type{number}") for number in range(AGENT_TYPES_MAX)]
    assert first[-1] == f"type{AGENT_TYPES_MAX - 1}"

    assert metrics.agent_type("one_more") == OTHER_TYPES
    assert metrics.agent_type("type0") == "type0"
    assert metrics.agent_type("") == ANY_TYPE


def test_two_processes_in_one_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.counter(WORKFLOW_FAILURES).add("permanent")
    other.counter(WORKFLOW_FAILURES)

    assert other.registry.get_sample_value("workflow_failures_total", {"category": "permanent"}) is None


def test_every_name_in_the_catalogue_says_what_it_counts() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert metric.says.endswith("."), metric.name
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(metric.buckets), metric.name
        assert not {"tenant", "workflow_id", "agent_id", "definition"} & set(metric.labels), metric.name


def test_the_documentation_tells_the_whole_catalogue() -> None:
    told = (Path(__file__).parents[4] / "docs" / "metrics.md").read_text()
    rows = [line for line in told.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} "
        f"| {metric.across} | {metric.says} |"
        for metric in CATALOGUE
    ]
