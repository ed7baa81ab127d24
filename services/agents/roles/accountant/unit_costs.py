"""What one of something costs: a user for a year, a transaction, a capability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import BuildCost, CapabilityCost, InfrastructureCosts, UnitCosts
from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.roles.accountant.money import exact, whole

_FOUR_PLACES = Decimal("0.0001")
_TRANSACTIONS = "transactions_per_year"


def unit_costs(
    total_cents: int, years: int, users: float | None, infrastructure: InfrastructureArchitecture
) -> UnitCosts:
    """Return the average year's cost of a user and of a transaction, building included."""
    costs, year = UnitCosts(), Decimal(total_cents) / years
    if users:
        costs.per_user_year_cents = whole(year / exact(users))
    transactions = next((one.result for one in infrastructure.sizing.formulas if one.name == _TRANSACTIONS), 0.0)
    if transactions > 0:
        costs.per_transaction = format((year / 100 / exact(transactions)).quantize(_FOUR_PLACES), "f")
    return costs


def capability_costs(
    application: ApplicationArchitecture,
    plan: ProjectPlan,
    build: Sequence[BuildCost],
    infrastructure: InfrastructureArchitecture,
    costs: InfrastructureCosts,
) -> list[CapabilityCost]:
    """Return what each capability costs, through the components that realise it.

    Work and nodes are shared evenly by the components that they are for, a component evenly by its capabilities; what
    is for no component is nobody's, so the parts add up to at most the whole.
    """
    owners = {one.id: list(one.capability_ids) for one in application.components if one.capability_ids}
    works = {one.id: _named((*one.trace_ids,), owners) for one in plan.activities}
    hosts = {one.id: _named(one.hosts_component_ids, owners) for one in infrastructure.nodes}
    built: Counter[str] = Counter()
    monthly: Counter[str] = Counter()
    for cost in build:
        _share(cost.amount_cents, works.get(cost.activity_id, []), owners, built)
    for environment in costs.environments:
        for line in environment.lines:
            _share(line.monthly_cents, hosts[line.node_id], owners, monthly)
    return [
        CapabilityCost(capability_id=one, build_cents=built[one], monthly_cents=monthly[one])
        for one in sorted({*built, *monthly})
    ]


def _named(ids: Iterable[str], owners: dict[str, list[str]]) -> list[str]:
    return [one for one in ids if one in owners]


def _share(amount: int, components: list[str], owners: dict[str, list[str]], onto: Counter[str]) -> None:
    """Add an amount to the capabilities of components; cents that do not divide go to the first ones."""
    capabilities = [capability for component in components for capability in owners[component]]
    if not capabilities:
        return
    each, rest = divmod(amount, len(capabilities))
    for at, capability in enumerate(capabilities):
        onto[capability] += each + (at < rest)
