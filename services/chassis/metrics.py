"""The metrics of one process, made from the catalogue and kept in a registry of its own.

Whoever counts holds a metric and calls it; nothing is global. Counting must cost next to nothing, so the figure for
each set of labels is looked up once and then kept in a dictionary, which the library's own lookup is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from services.chassis.metrics_catalogue import Kind, Metric

# Each counter would bring a second series with the time it began, which process_start_time_seconds tells for all.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations

AGENT_TYPES_MAX: Final = 100
"""How many types of agents have figures of their own."""
ANY_TYPE: Final = "(any)"
OTHER_TYPES: Final = "(other)"

Labels = tuple[str, ...]
"""The values of a metric's labels, in the order of the catalogue."""

Look = Callable[[], Mapping[Labels, float]]
"""Returns where a gauge stands, by its labels. Must not wait and must not fail."""


class CounterOf:
    """A counter of the catalogue."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._counter = Counter(metric.name, metric.says, metric.labels, registry=registry)
        self._children: dict[Labels, Counter] = {}

    def add(self, *labels: str) -> None:
        """Count one more."""
        (self._children.get(labels) or self.begin(*labels)).inc()

    def begin(self, *labels: str) -> Counter:
        """Export zero: a counter that appears with its first count hides that one from every rate."""
        child = self._children[labels] = self._counter.labels(*labels) if labels else self._counter
        return child


class HistogramOf:
    """A histogram of the catalogue."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._histogram = Histogram(metric.name, metric.says, metric.labels, registry=registry, buckets=metric.buckets)
        self._children: dict[Labels, Histogram] = {}

    def observe(self, amount: float, *labels: str) -> None:
        """Count one of this size."""
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._histogram.labels(*labels) if labels else self._histogram
        child.observe(amount)


class _GaugeOf(Collector):
    """A gauge of the catalogue, which is looked up whenever somebody reads it."""

    def __init__(self, metric: Metric, look: Look) -> None:
        self._metric = metric
        self._look = look

    def describe(self) -> Iterable[Family]:
        """Return what the registry is to know of it."""
        return [GaugeMetricFamily(self._metric.name, self._metric.says, labels=self._metric.labels)]

    def collect(self) -> Iterable[Family]:
        """Return how it stands."""
        family = GaugeMetricFamily(self._metric.name, self._metric.says, labels=self._metric.labels)
        for labels, figure in self._look().items():
            family.add_metric(labels, figure)
        return [family]


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Memory, processor time and open files of the process, under the names that everybody gives them.
        ProcessCollector(registry=self.registry)
        self._agent_types: set[str] = set()

    def counter(self, metric: Metric) -> CounterOf:
        """Begin to export a counter."""
        assert metric.kind is Kind.COUNTER
        return CounterOf(metric, self.registry)

    def histogram(self, metric: Metric) -> HistogramOf:
        """Begin to export a histogram."""
        assert metric.kind is Kind.HISTOGRAM
        return HistogramOf(metric, self.registry)

    def gauge(self, metric: Metric, look: Look) -> None:
        """Begin to export a gauge. What `look` does not find is not exported, so no figure outlives its thing."""
        assert metric.kind is Kind.GAUGE
        self.registry.register(_GaugeOf(metric, look))

    def agent_type(self, agent_type: str) -> str:
        """Return what the label `agent_type` says of a type: itself, or `(other)` when there are too many already.

        Anybody who may write a definition invents types, and each is kept in memory here and at whoever reads us.
        """
        if agent_type in self._agent_types:
            return agent_type
        if not agent_type:
            return ANY_TYPE
        if len(self._agent_types) >= AGENT_TYPES_MAX:
            return OTHER_TYPES
        self._agent_types.add(agent_type)
        return agent_type
