"""Amounts of money: exact inside, whole cents at every line, and one exchange between two currencies.

The decision to know: a line is rounded once, half to even, when it becomes cents; totals are sums of lines and are
never rounded again, so every total can be added up by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from archwright.agents.v1.model_pb2 import Fact
from services.agents.facts import of_kind
from services.agents.knowledge.load import table

_CENT = Decimal(1)
_RATE = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class ExchangeTable:
    """What a US dollar buys of other currencies, and since when."""

    as_of: str
    source: str
    per_usd: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Range:
    """How far the truth may be from an estimate of a class, as shares of it."""

    estimate_class: int
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Swing:
    """The least and the most that a driver may become, as factors of its base."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Conventions:
    """What holds where the request says nothing."""

    exchange: ExchangeTable
    default_currency: str
    tco_years: int
    discount_rate: Decimal
    usage_growth: Decimal
    wage_growth: Decimal
    payback_months: int
    ranges: tuple[Range, ...]
    sensitivity: Mapping[str, Swing]


def conventions() -> Conventions:
    """Return the table of conventions."""
    return table("money", Conventions)


def exact(number: float) -> Decimal:
    """Return the decimal number that `number` is written as."""
    return Decimal(str(number))


def cents(amount: Decimal) -> int:
    """Return an amount in whole units of a currency as cents, half to even."""
    return whole(amount * 100)


def whole(amount_cents: Decimal) -> int:
    """Return an amount in cents as whole cents, half to even."""
    return int(amount_cents.quantize(_CENT, rounding=ROUND_HALF_EVEN))


def exchange_rate(source: str, target: str) -> Decimal | None:
    """Return how much of `target` one unit of `source` buys; None when the table lacks one of them."""
    per_usd = conventions().exchange.per_usd
    if source == target:
        return Decimal(1)
    if source not in per_usd or target not in per_usd:
        return None
    return (per_usd[target] / per_usd[source]).quantize(_RATE, rounding=ROUND_HALF_EVEN).normalize()


def choose_currency(facts: Iterable[Fact], wish: str) -> str:
    """Return the currency to report in: the one wished for, else the budget's, else any that the request names.

    A currency that the table of exchange lacks is passed over.
    """
    facts = tuple(facts)
    budgets = [fact.unit for fact in of_kind(facts, Fact.BUDGET)]
    amounts = [fact.unit for fact in facts if fact.HasField("amount_cents")]
    known = conventions().exchange.per_usd
    named = (wish.upper(), *budgets, *amounts)
    return next((one for one in named if one in known), conventions().default_currency)


def written(amount_cents: int, currency: str) -> str:
    """Return an amount as people read it, such as `1,234.50 EUR`."""
    sign = "-" if amount_cents < 0 else ""
    units, rest = divmod(abs(amount_cents), 100)
    return f"{sign}{units:,}.{rest:02d} {currency}"
