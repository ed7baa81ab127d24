"""The metrics of the realtime service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from services.chassis.metrics import Labels, Metrics
from services.chassis.metrics_catalogue import WATCHERS, WATCHERS_CLOSED
from services.realtime.closing import CloseCode
from services.realtime.watcher import Kind, Watcher


class Measures:
    """Counts who watches, and why they were closed."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._closed = metrics.counter(WATCHERS_CLOSED)
        for code in CloseCode:
            self._closed.begin(str(code.value))

    def tell_watchers(self, everybody: Callable[[], Iterable[Watcher]]) -> None:
        """Export how many watch."""

        def look() -> Mapping[Labels, float]:
            found = Counter[Labels]({(kind.value,): 0 for kind in Kind})
            found.update((watcher.kind.value,) for watcher in everybody())
            return found

        self._metrics.gauge(WATCHERS, look)

    def closed(self, code: CloseCode) -> None:
        """Count one that we closed."""
        self._closed.add(str(code.value))
