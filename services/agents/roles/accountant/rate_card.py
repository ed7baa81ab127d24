"""The rate card: what an hour of people costs where they work, and what outsiders are paid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from archwright.agents.v1.infrastructure_architect_pb2 import Node
from archwright.agents.v1.model_pb2 import Assumption, Fact
from services.agents.draft import Draft
from services.agents.facts import of_kind
from services.agents.knowledge.load import table
from services.agents.providers import regions
from services.agents.roles.accountant.money import cents, exchange_rate

METERED = "INF-METERED"
"""The rule of nodes that are only a line on the bill, nothing to attack or to look after."""


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
