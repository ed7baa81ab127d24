"""What comes in and goes out, year by year, and what that is worth today.

Year 0 is the building; flows of later years are counted at their end. All functions are pure arithmetic on whole
cents; the formulas are the usual ones of corporate finance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from archwright.agents.v1.accountant_pb2 import CashFlow, TcoRow, TotalCostOfOwnership
from services.agents.roles.accountant.money import whole

_LOWEST_RATE = Decimal("-0.99")
_HIGHEST_RATE = Decimal(1000)
_HALVINGS = 80
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the flows follow from, in cents."""

    years: int
    build: int
    contingency: int
    one_off: int
    infrastructure_month: int
    people_year: int
    benefit_year: int
    usage_growth: Decimal
    wage_growth: Decimal
    discount_rate: Decimal

    @property
    def invested(self) -> int:
        """What is needed before the first day of use."""
        return self.build + self.contingency + self.one_off


def total_cost(figures: Figures) -> TotalCostOfOwnership:
    """Return the cost of every year: infrastructure grows with use, people with wages."""
    rows = [TcoRow(year=0, capex_cents=figures.invested, total_cents=figures.invested)]
    for year in range(1, figures.years + 1):
        infrastructure = whole(12 * figures.infrastructure_month * (1 + figures.usage_growth) ** year)
        opex = infrastructure + whole(figures.people_year * (1 + figures.wage_growth) ** year)
        rows.append(TcoRow(year=year, opex_cents=opex, total_cents=opex))
    return TotalCostOfOwnership(years=figures.years, rows=rows, total_cents=sum(row.total_cents for row in rows))


def cash_flows(figures: Figures) -> list[CashFlow]:
    """Return the flows: benefits come in from year 1 on, costs go out."""
    flows = []
    for row in total_cost(figures).rows:
        inflow = figures.benefit_year if row.year else 0
        flows.append(
            CashFlow(
                year=row.year,
                inflow_cents=inflow,
                outflow_cents=row.total_cents,
                net_cents=inflow - row.total_cents,
            )
        )
    return flows


def present_value(rate: Decimal, flows: Sequence[int]) -> Decimal:
    """Return what flows are worth today: Σ CF_t / (1 + r)^t, from t = 0."""
    return sum((Decimal(flow) / (1 + rate) ** year for year, flow in enumerate(flows)), Decimal(0))


def worth(figures: Figures) -> int:
    """Return the net present value of the figures' flows."""
    return whole(present_value(figures.discount_rate, [flow.net_cents for flow in cash_flows(figures)]))


def internal_rate(flows: Sequence[int]) -> float | None:
    """Return the rate at which flows are worth nothing today, by bisection.

    None unless their sign changes exactly once: otherwise there is no such rate, or more than one.
    """
    signs = [flow > 0 for flow in flows if flow]
    if sum(one != other for one, other in pairwise(signs)) != 1:
        return None
    low, high = _LOWEST_RATE, _HIGHEST_RATE
    rising = present_value(low, flows) < 0
    if (present_value(high, flows) < 0) == rising:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (present_value(middle, flows) < 0) == rising:
            low = middle
        else:
            high = middle
    return round(float(high), 6)


def payback_months(flows: Sequence[int]) -> float | None:
    """Return after how many months the flows have added up to nothing lost, evenly within a year; None if never."""
    balance = 0
    for year, flow in enumerate(flows):
        if balance < 0 <= balance + flow:
            return round(_MONTHS * (year - 1 + -balance / flow), 4)
        balance += flow
    return 0.0 if flows and min(flows) >= 0 else None


def return_on_investment(flows: Sequence[CashFlow]) -> float | None:
    """Return what comes in beyond what goes out, as a share of what goes out; None when nothing does."""
    spent = sum(flow.outflow_cents for flow in flows)
    return round(sum(flow.net_cents for flow in flows) / spent, 6) if spent else None


def break_even_benefit(figures: Figures, months: int) -> int:
    """Return the least benefit a year that pays back within `months`, without counting interest."""
    years = -(-months // _MONTHS)
    rows = total_cost(figures).rows[: years + 1]
    spent = Decimal(sum(row.capex_cents for row in rows))
    for row in rows[1:]:
        spent += row.opex_cents * min(Decimal(1), Decimal(months - _MONTHS * (row.year - 1)) / _MONTHS)
    return int((spent * _MONTHS / months).to_integral_value(rounding=ROUND_CEILING))
