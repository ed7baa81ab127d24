"""What people cost: the hours of the plan at the rates of the card, and what is kept for surprises.

The decision to know: an activity is priced at its most likely hours, whose sum is the estimate's P50. Cost lines and
contingency then add up to P80; expected hours, the mean, would count a part of the surprises twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import BuildCost, Contingency
from archwright.agents.v1.model_pb2 import Finding, Trace
from archwright.agents.v1.project_manager_pb2 import Activity, ProjectPlan, WbsEntry
from services.agents.draft import Draft
from services.agents.roles.accountant.money import exact, whole
from services.agents.roles.accountant.rate_card import Rates

P80_DEVIATIONS = Decimal("0.8416")
"""How many standard deviations above the mean a normal variable stays with a chance of four fifths."""

_SIX = Decimal(6)
_TOLERANCE = 0.01
"""How far activities may be from the estimate, as a share of it: what rounding explains."""


@dataclass(frozen=True, slots=True)
class Hours:
    """How much work it is: with a chance of one half, of four fifths, and how far off it may be."""

    p50: Decimal
    p80: Decimal

    @property
    def reserve_share(self) -> Decimal:
        """What P80 has above P50, as a share of P50."""
        return (self.p80 - self.p50) / self.p50 if self.p50 else Decimal(0)


def build_costs(plan: ProjectPlan, rates: Rates, draft: Draft) -> list[BuildCost]:
    """Return a line for every activity of the plan, or for every work package of one that has no activities."""
    keys = {one.role: one.rate_key for one in plan.team if one.rate_key}
    costs = [
        _line(at, rates, BuildCost(activity_id=one.id, role=one.role, hours=likely_hours(one)), keys.get(one.role, ""))
        for at, one in enumerate(plan.activities, start=1)
    ]
    if not plan.activities:
        packages = [one for one in plan.wbs if one.kind == WbsEntry.WORK_PACKAGE]
        costs = [
            _line(at, rates, BuildCost(wbs_id=one.id, role="developer", hours=one.hours), "")
            for at, one in enumerate(packages, start=1)
        ]
    for cost in costs:
        draft.trace(cost.id, cost.activity_id or cost.wbs_id, Trace.COSTS)
    _compare_with_estimate(costs, plan, draft)
    unknown = sorted({one.role for one in costs if keys.get(one.role, one.role) not in rates.card.roles})
    if unknown:
        draft.finding(
            Finding.WARNING, "RATE_NOT_FOUND",
            f"The rate card has no rate for {', '.join(unknown)}; they cost {rates.card.default_rate} "
            f"{rates.card.currency} an hour until it has.",
            unknown,
        )  # fmt: skip
    return costs


def likely_hours(activity: Activity) -> float:
    """Return the most likely hours of an activity; the expected ones where it names no other."""
    return activity.m_hours or activity.expected_hours


def hours_of(plan: ProjectPlan) -> Hours:
    """Return the hours that the plan takes.

    P80 is te + 0.8416 s with te = (P10 + 4 P50 + P90) / 6 and s = (P90 - P10) / 6 (PERT). A plan without percentiles
    gives its activities' instead, as if all of them went wrong together: they share a team and its mistakes.
    """
    total = plan.estimation.total_hours
    if total.p50 > 0:
        p10, p50, p90 = exact(total.p10), exact(total.p50), exact(total.p90)
        p80 = (p10 + 4 * p50 + p90) / _SIX + P80_DEVIATIONS * (p90 - p10) / _SIX
    else:
        p50 = sum((exact(likely_hours(one)) for one in plan.activities), Decimal(0))
        p80 = p50 + P80_DEVIATIONS * sum((exact(one.variance).sqrt() for one in plan.activities), Decimal(0))
    return Hours(p50, max(p50, p80))


def contingency(build_cents: int, hours: Hours) -> Contingency:
    """Return what is kept for surprises: the build cost of the hours between P50 and P80."""
    share = hours.reserve_share
    return Contingency(
        pct=float(round(share * 100, 4)), basis="P80-P50", amount_cents=whole(Decimal(build_cents) * share)
    )


def _line(at: int, rates: Rates, cost: BuildCost, rate_key: str) -> BuildCost:
    cost.id = f"BLD-{at:03d}"
    cost.rate_cents = rates.hour_cents(rate_key or cost.role)
    cost.amount_cents = whole(exact(cost.hours) * cost.rate_cents)
    return cost


def _compare_with_estimate(costs: Sequence[BuildCost], plan: ProjectPlan, draft: Draft) -> None:
    booked, estimated = sum(one.hours for one in costs), plan.estimation.total_hours.p50
    if costs and estimated and abs(booked - estimated) > _TOLERANCE * estimated:
        draft.finding(
            Finding.WARNING,
            "HOURS_DIFFER",
            f"The plan's activities take {booked:,.0f} hours, its estimate is {estimated:,.0f}; activities are priced.",
        )
