"""What would make the bill smaller, by how much, and what that risks."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import InfrastructureCosts, Optimization
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from services.agents.knowledge.load import table
from services.agents.roles.accountant.infrastructure_costs import HOURS, is_production
from services.agents.roles.accountant.money import whole

_OWN_MACHINES = "onprem"


@dataclass(frozen=True, slots=True)
class Saving:
    """A way to save, and which lines of a bill it concerns."""

    action: str
    roles: tuple[str, ...]
    production: bool
    lines: str
    """`hours` for what is paid by the hour, `any` for everything."""
    share: Decimal
    risk: str


@dataclass(frozen=True, slots=True)
class Savings:
    """All ways, and the smallest share of a bill that is worth a sentence."""

    smallest_share: Decimal
    rules: tuple[Saving, ...]


def optimizations(infrastructure: InfrastructureArchitecture, costs: InfrastructureCosts) -> list[Optimization]:
    """Return the savings that are worth it, the largest first; machines of one's own cannot be given back."""
    if infrastructure.provider == _OWN_MACHINES:
        return []
    known = table("savings", Savings)
    least = costs.monthly_total_cents * known.smallest_share
    found = [_applied(rule, infrastructure, costs) for rule in known.rules]
    worthwhile = [one for one in found if one.saving_monthly_cents and one.saving_monthly_cents >= least]
    return sorted(worthwhile, key=lambda one: (-one.saving_monthly_cents, one.action))


def _applied(rule: Saving, infrastructure: InfrastructureArchitecture, costs: InfrastructureCosts) -> Optimization:
    roles = {node.id: node.role for node in infrastructure.nodes}
    lines = [
        line
        for environment in costs.environments
        if is_production(environment) is rule.production
        for line in environment.lines
        if roles[line.node_id] in rule.roles and (rule.lines != HOURS or line.unit == HOURS) and line.monthly_cents
    ]
    return Optimization(
        action=rule.action,
        saving_monthly_cents=whole(sum(line.monthly_cents for line in lines) * rule.share),
        risk=rule.risk,
        node_ids=list(dict.fromkeys(line.node_id for line in lines)),
    )
