"""What changes the result most: the present value again, with one driver at a time at its ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import Sensitivity
from services.agents.roles.accountant.cash_flow import Figures, worth
from services.agents.roles.accountant.money import conventions, whole

DRIVERS: Mapping[str, Callable[[Figures, Decimal], Figures]] = {
    "effort": lambda base, factor: replace(
        base, build=whole(base.build * factor), contingency=whole(base.contingency * factor)
    ),
    "infrastructure prices": lambda base, factor: replace(
        base, infrastructure_month=whole(base.infrastructure_month * factor)
    ),
    "people who keep it running": lambda base, factor: replace(base, people_year=whole(base.people_year * factor)),
    "growth of use": lambda base, factor: replace(base, usage_growth=base.usage_growth * factor),
    "discount rate": lambda base, factor: replace(base, discount_rate=base.discount_rate * factor),
    "benefits": lambda base, factor: replace(base, benefit_year=whole(base.benefit_year * factor)),
}
"""Every driver that the table of swings may name, and what it does to the figures."""


def sensitivity(figures: Figures) -> list[Sensitivity]:
    """Return every driver that moves the present value, the one that moves it most first."""
    found = []
    for driver, swing in conventions().sensitivity.items():
        low, high = (worth(DRIVERS[driver](figures, factor)) for factor in (swing.low, swing.high))
        if low != high:
            found.append(
                Sensitivity(
                    driver=driver, low=float(swing.low), high=float(swing.high), npv_low_cents=low, npv_high_cents=high
                )
            )
    return sorted(found, key=lambda one: (-abs(one.npv_high_cents - one.npv_low_cents), one.driver))
