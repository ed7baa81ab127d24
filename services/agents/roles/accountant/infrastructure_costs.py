"""The bill of the infrastructure: a line for every node in every environment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import CostLine, EnvironmentCosts, InfrastructureCosts
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture, Node
from archwright.agents.v1.model_pb2 import Assumption, Finding
from services.agents.draft import Draft
from services.agents.roles.accountant.money import cents, exact
from services.agents.roles.accountant.prices import PriceList, catalogue
from services.agents.roles.accountant.pricing.port import Quote, Wanted
from services.agents.roles.accountant.pricing.snapshot import Snapshot

HOURS = "hours"
PRODUCTION = "production"


def infrastructure_costs(
    infrastructure: InfrastructureArchitecture, snapshot: Snapshot, rate: Decimal, draft: Draft
) -> InfrastructureCosts:
    """Return what the nodes cost in a month, in cents of the currency that one catalogue's unit buys `rate` of.

    A node without a price gets a line that says so, and a finding names all of them.
    """
    offer = catalogue().providers.get(infrastructure.provider)
    environments = [
        _environment(one.name, infrastructure, exact(one.scale_factor), snapshot, rate)
        for one in infrastructure.environments
    ]
    if snapshot.problem:
        draft.finding(
            Finding.WARNING,
            "PRICES_NOT_OF_TODAY",
            f"The prices are those of the catalogue of {snapshot.as_of}. {snapshot.problem}",
        )
    _tell_what_is_unsure(infrastructure, offer, environments, draft)
    return InfrastructureCosts(
        environments=environments, monthly_total_cents=sum(one.monthly_total_cents for one in environments)
    )


def is_production(environment: EnvironmentCosts) -> bool:
    """Return whether people depend on this environment."""
    return environment.name == PRODUCTION


def unpriced(costs: InfrastructureCosts) -> list[str]:
    """Return the ids of the nodes that have no price, each once, in the bill's order."""
    lines = (line for environment in costs.environments for line in environment.lines)
    return list(dict.fromkeys(line.node_id for line in lines if line.price_not_found))


def _environment(
    name: str, infrastructure: InfrastructureArchitecture, scale: Decimal, snapshot: Snapshot, rate: Decimal
) -> EnvironmentCosts:
    place = infrastructure.provider, infrastructure.region.id
    lines = [
        _line(node, scale, snapshot.quotes.get(Wanted(*place, node.sku, node.unit)), rate)
        for node in infrastructure.nodes
    ]
    return EnvironmentCosts(name=name, lines=lines, monthly_total_cents=sum(line.monthly_cents for line in lines))


def _line(node: Node, scale: Decimal, quote: Quote | None, rate: Decimal) -> CostLine:
    prices = catalogue()
    per_month = prices.hours_per_month if node.unit == HOURS else 1
    qty = exact(node.qty) * scale * per_month
    line = CostLine(
        node_id=node.id, sku=node.sku, unit=node.unit, qty=float(qty), usage_based=node.unit not in prices.fixed_units
    )
    if quote is None:
        line.price_not_found = True
        return line
    line.unit_price = format(quote.price, "f")
    line.monthly_cents = cents(qty * quote.price * rate)
    return line


def _tell_what_is_unsure(
    infrastructure: InfrastructureArchitecture,
    offer: PriceList | None,
    environments: Sequence[EnvironmentCosts],
    draft: Draft,
) -> None:
    missing = unpriced(InfrastructureCosts(environments=environments))
    if missing:
        draft.finding(
            Finding.WARNING,
            "PRICE_NOT_FOUND",
            f"The catalogue has no price for {len(missing)} of {len(infrastructure.nodes)} nodes on "
            f"{infrastructure.provider or 'an unnamed provider'}; the bill is too low by what they cost.",
            missing,
        )
    region = infrastructure.region.id
    if offer is not None and not (offer.factors_known and region in offer.factors):
        draft.assume(
            Assumption(
                text=f"{region or 'The region'} costs {offer.factor(region)} times the provider's cheapest region",
                default_value=str(offer.factor(region)),
                impact=Assumption.MEDIUM,
                rule_id="ACC-REGION",
                affects=["infra_costs"],
            )
        )
