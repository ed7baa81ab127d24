"""What people cost: the hours of the plan at the rates of the card, and what is kept for surprises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import BuildCost, Contingency
from archwright.agents.v1.infrastructure_architect_pb2 import Node
from archwright.agents.v1.model_pb2 import Assumption, Fact, Finding, Trace
from archwright.agents.v1.project_manager_pb2 import ProjectPlan, WbsEntry
from services.agents.draft import Draft
from services.agents.facts import of_kind
from services.agents.knowledge.load import table
from services.agents.providers import regions
from services.agents.roles.accountant.money import cents, exact, exchange_rate, whole

P80_DEVIATIONS = Decimal("0.8416")
"""How many standard deviations above the mean a normal variable stays with a chance of four fifths."""

METERED = "INF-METERED"
"""The rule of nodes that are only a line on the bill, nothing to attack or to look after."""

_SIX = Decimal(6)


@dataclass(frozen=True, slots=True)
class Running:
    """How many people keep a system running."""

    operations_base_fte: Decimal
    operations_fte_per_node: Decimal
    on_call_above_percent: Decimal
    on_call_fte: Decimal
    maintenance_share: Decimal
    support_hours_per_thousand_users_year: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """Something that outsiders are paid once, and what shows that it is needed."""

    name: str
    amount: Decimal
    regulations: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()

    def causes(self, facts: Iterable[Fact], nodes: Iterable[Node]) -> list[str]:
        """Return the ids of what makes this payment necessary; none, and it is not."""
        laws = [fact.id or fact.value for fact in of_kind(facts, Fact.REGULATION) if fact.value in self.regulations]
        return laws + [
            node.id for node in nodes if Node.Type.Name(node.type) in self.node_types and node.rule_id != METERED
        ]


@dataclass(frozen=True, slots=True)
class BeforeLive:
    """What the environments that the team works in are called on the bill."""

    name: str


@dataclass(frozen=True, slots=True)
class RateCard:
    """What an hour of each trade costs at home, and how other places differ."""

    currency: str
    home: str
    roles: Mapping[str, Decimal]
    default_rate: Decimal
    places: Mapping[str, Decimal]
    hours_per_fte_year: int
    running: Running
    once: tuple[Payment, ...]
    environments_before_live: BeforeLive


@dataclass(frozen=True, slots=True)
class Rates:
    """The card in the currency of the estimate and for the place where people work."""

    card: RateCard
    place: str
    exchange: Decimal

    def hour_cents(self, role: str) -> int:
        """Return what an hour of `role` costs."""
        rate = self.card.roles.get(role, self.card.default_rate)
        return cents(rate * self.card.places[self.place] * self.exchange)

    def amount_cents(self, amount: Decimal) -> int:
        """Return an amount of the card's currency in the estimate's."""
        return cents(amount * self.exchange)


@dataclass(frozen=True, slots=True)
class Hours:
    """How much work it is: with a chance of one half, of four fifths, and how far off it may be."""

    p50: Decimal
    p80: Decimal

    @property
    def reserve_share(self) -> Decimal:
        """What P80 has above P50, as a share of P50."""
        return (self.p80 - self.p50) / self.p50 if self.p50 else Decimal(0)


def rate_card() -> RateCard:
    """Return the table of rates."""
    return table("rates", RateCard)


def local_rates(facts: Iterable[Fact], currency: str, draft: Draft) -> Rates:
    """Return the rates where the request's people work: the place that it names, else that of its currency."""
    card, facts = rate_card(), tuple(facts)
    named = [fact.value for fact in of_kind(facts, Fact.REGION)]
    named += [regions().currencies.get(fact.unit, "") for fact in of_kind(facts, Fact.BUDGET)]
    named += [regions().currencies.get(currency, "")]
    place = next((one for one in named if one in card.places), card.home)
    exchange = exchange_rate(card.currency, currency)
    # A currency is only ever chosen from the table of exchange, which has the card's own too.
    assert exchange is not None, currency
    draft.assume(
        Assumption(
            text=f"An hour costs what our rate card says for {place}",
            default_value=f"{card.roles['developer'] * card.places[place] * exchange:.2f}",
            unit=f"{currency} for an hour of a developer",
            impact=Assumption.HIGH,
            rule_id="ACC-RATE-CARD",
            affects=["build_costs", "run_costs"],
        )
    )
    return Rates(card, place, exchange)


def build_costs(plan: ProjectPlan, rates: Rates, draft: Draft) -> list[BuildCost]:
    """Return a line for every activity of the plan, or for every work package of one that has no activities."""
    keys = {one.role: one.rate_key for one in plan.team if one.rate_key}
    costs = [
        _line(at, rates, BuildCost(activity_id=one.id, role=one.role, hours=one.expected_hours), keys.get(one.role, ""))
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
    unknown = sorted({one.role for one in costs if keys.get(one.role, one.role) not in rates.card.roles})
    if unknown:
        draft.finding(
            Finding.WARNING, "RATE_NOT_FOUND",
            f"The rate card has no rate for {', '.join(unknown)}; they cost {rates.card.default_rate} "
            f"{rates.card.currency} an hour until it has.",
            unknown,
        )  # fmt: skip
    return costs


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
        p50 = sum((exact(one.expected_hours) for one in plan.activities), Decimal(0))
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
