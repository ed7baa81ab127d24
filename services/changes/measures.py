"""The metrics of the service: what came of changes."""

from __future__ import annotations

from services.chassis.metrics import Metrics
from services.chassis.metrics_catalogue import CHANGES

_OUTCOMES = ("opened", "approved", "rejected", "cancelled", "withdrawn", "unknown")


class Measures:
    """Counts by system and outcome."""

    def __init__(self, metrics: Metrics) -> None:
        self._changes = metrics.counter(CHANGES)
        for system in ("servicenow", "jira"):
            for outcome in _OUTCOMES:
                self._changes.begin(system, outcome)

    def came_to(self, system: str, outcome: str) -> None:
        """Count one."""
        self._changes.add(system, outcome)
