"""How much work the size of a system is, and how long that usually takes.

Three numbers, never one: what nine of ten, five of ten and one of ten finished projects needed more than. Everything
else in the plan is a share of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from archwright.agents.v1.project_manager_pb2 import Percentiles
from services.agents.knowledge.load import table

P80_DEVIATIONS = 0.8416
"""How many standard deviations above the mean four of five outcomes lie, for a normal distribution."""
P10_DEVIATIONS = -1.2816


@dataclass(frozen=True, slots=True)
class Dataset:
    """Hours per function point in a published set of finished projects."""

    projects: int
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Points:
    """Unadjusted function points of one function of each kind, at average complexity."""

    ilf: int
    eif: int
    ei: int
    eo: int
    eq: int


@dataclass(frozen=True, slots=True)
class Duration:
    """COCOMO's schedule equation."""

    factor: float
    exponent: float
    hours_per_person_month: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work."""

    hours_per_day: float
    days_per_week: float
    days_per_month: float


@dataclass(frozen=True, slots=True)
class Effort:
    """The table of effort."""

    chosen: str
    datasets: Mapping[str, Dataset]
    points: Points
    duration: Duration
    calendar: Calendar
    component_points_min: Mapping[str, float]
    points_per_requirement_shown: float

    @property
    def hours_per_point(self) -> Dataset:
        """Hours per function point that plans are made with."""
        return self.datasets[self.chosen]


@cache
def effort() -> Effort:
    """Return the table of effort."""
    return table("effort", Effort)


def adjustment(degrees: Sequence[int]) -> float:
    """Return the value adjustment factor of the degrees of influence of the general system characteristics."""
    return 0.65 + sum(degrees) / 100


def total_hours(function_points: float) -> Percentiles:
    """Return the hours for so many function points, to a tenth of an hour."""
    rate = effort().hours_per_point
    return Percentiles(
        p10=round(function_points * rate.p10, 1),
        p50=round(function_points * rate.p50, 1),
        p90=round(function_points * rate.p90, 1),
    )


def expected(optimistic: float, likely: float, pessimistic: float) -> float:
    """Return the mean of PERT's three points."""
    return (optimistic + 4 * likely + pessimistic) / 6


def deviation(optimistic: float, pessimistic: float) -> float:
    """Return the standard deviation of PERT's three points."""
    return (pessimistic - optimistic) / 6


def usual_months(hours: float) -> float:
    """Return how many months projects of so many hours usually take."""
    rule = effort().duration
    months: float = rule.factor * (hours / rule.hours_per_person_month) ** rule.exponent
    return months


def shares(total: int, weights: Sequence[float]) -> tuple[int, ...]:
    """Return `total` cut by weight into whole parts that add up to it exactly."""
    if not weights:
        return ()
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(one) for one in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return tuple(parts)
