"""The fourteen general system characteristics of IFPUG, each with the degree of influence that the request shows."""

from __future__ import annotations

from services.agents.roles.project_manager.evidence import Signals
from services.agents.roles.project_manager.sources import Sources


def degrees(sources: Sources, signals: Signals) -> dict[str, int]:
    """Return the degree of influence of each characteristic, from 0 to 5."""
    rps = sources.infrastructure.sizing.peak_rps
    parts = len(sources.application.components)
    target = sources.infrastructure.availability.target
    has = signals.__contains__
    return {
        "data_communications": 5 if has("external_systems") else 4 if has("people_interface") else 3,
        "distributed_processing": 4 if has("microservices") else 3 if parts > 3 else 1,
        "performance": 4 if has("high_load") else 3 if has("performance") else 2,
        "heavily_used_configuration": 3 if has("high_load") else 1,
        "transaction_rate": _band(rps, (5, 50, 200, 1000)) + 1,
        "online_entry": 5 if has("people_interface") else 3,
        "end_user_efficiency": 4 if has("accessibility") else 3 if has("people_interface") else 1,
        "online_update": 3,
        "complex_processing": min(5, 1 + len(sources.spec.business_rules) // 2 + has("regulation")),
        "reusability": 1 + has("microservices"),
        "installation_ease": 3 if has("migration") else 1,
        "operational_ease": _band(target, (99.0, 99.5, 99.9, 99.99)) + 1,
        "multiple_sites": 3 if has("second_region") else 1 if has("several_channels") else 0,
        "facilitate_change": 2,
    }


def _band(value: float, bounds: tuple[float, ...]) -> int:
    return sum(value >= bound for bound in bounds)
