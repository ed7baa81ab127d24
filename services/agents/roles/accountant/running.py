"""What is paid besides building and infrastructure: people who keep it running, and what is paid once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import InfrastructureCosts, OneOffCost, RunCosts
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Assumption, Fact
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.draft import Draft
from services.agents.roles.accountant.infrastructure_costs import is_production
from services.agents.roles.accountant.labour import Hours
from services.agents.roles.accountant.money import exact, whole
from services.agents.roles.accountant.rate_card import METERED, Rates

_WEEKS_PER_MONTH = Decimal(52) / 12
_FTE = Decimal("0.01")


def run_costs(
    infrastructure: InfrastructureArchitecture, users: float | None, hours: Hours, rates: Rates, draft: Draft
) -> RunCosts:
    """Return what people cost in a year who run, mend and explain the system."""
    rules, year = rates.card.running, rates.card.hours_per_fte_year
    operations = maintenance = Decimal(0)
    nodes = [one for one in infrastructure.nodes if one.rule_id != METERED]
    if nodes:
        operations = rules.operations_base_fte + rules.operations_fte_per_node * len(nodes)
        if exact(infrastructure.availability.target) > rules.on_call_above_percent:
            operations += rules.on_call_fte
    maintenance = (hours.p50 * rules.maintenance_share / year).quantize(_FTE)
    support_hours = exact(users or 0) / 1000 * rules.support_hours_per_thousand_users_year
    _assume_people(draft, rules.maintenance_share, operations)
    return RunCosts(
        support_cents=whole(support_hours * rates.hour_cents("support_agent")),
        ops_cents=whole(operations * year * rates.hour_cents("platform_engineer"))
        + whole(maintenance * year * rates.hour_cents("developer")),
        ops_fte=float(operations + maintenance),
    )


def one_off_costs(
    facts: Iterable[Fact],
    infrastructure: InfrastructureArchitecture,
    plan: ProjectPlan,
    costs: InfrastructureCosts,
    rates: Rates,
) -> list[OneOffCost]:
    """Return what is paid once: outsiders that a law or the internet makes necessary, and the team's environments."""
    facts = tuple(facts)
    found = [
        OneOffCost(name=one.name, amount_cents=rates.amount_cents(one.amount), trace_ids=causes)
        for one in rates.card.once
        if (causes := one.causes(facts, infrastructure.nodes))
    ]
    months = _months(plan)
    others = [one for one in costs.environments if not is_production(one)]
    if months and others:
        monthly = sum(one.monthly_total_cents for one in others)
        name = f"{rates.card.environments_before_live.name}, {months:.1f} months"
        found.append(
            OneOffCost(name=name, amount_cents=whole(monthly * months), trace_ids=[one.name for one in others])
        )
    return found


def total_cents(costs: RunCosts) -> int:
    """Return what running costs in a year besides infrastructure."""
    return costs.support_cents + costs.licences_cents + costs.ops_cents


def once_cents(costs: Sequence[OneOffCost]) -> int:
    """Return the sum of what is paid once."""
    return sum(one.amount_cents for one in costs)


def _months(plan: ProjectPlan) -> Decimal:
    days = exact(plan.project_duration_days)
    per_week = exact(plan.calendar.days_per_week or 5)
    return days / (per_week * _WEEKS_PER_MONTH)


def _assume_people(draft: Draft, maintenance_share: Decimal, operations: Decimal) -> None:
    draft.assume(
        Assumption(
            text="Mending and small changes take this share of the hours of building each year",
            default_value=str(maintenance_share), impact=Assumption.HIGH, rule_id="ACC-MAINTENANCE",
            affects=["run_costs"],
        )
    )  # fmt: skip
    draft.assume(
        Assumption(
            text="Keeping the nodes running takes this many people",
            default_value=str(operations), unit="full-time equivalents", impact=Assumption.MEDIUM,
            rule_id="ACC-OPERATIONS", affects=["run_costs"],
        )
    )  # fmt: skip
    draft.assume(
        Assumption(
            text="No licences are bought besides what the provider bills",
            default_value="0", impact=Assumption.MEDIUM, rule_id="ACC-LICENCES", affects=["run_costs"],
        )
    )  # fmt: skip
