"""The price catalogue: what one unit of a product costs in a region, in the catalogue's currency.

The decision to know: a price is that of its own region, and the region's factor is applied here and nowhere else.
A product without a price gives None, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.agents.knowledge.load import table

_PLACES = Decimal("0.0000000001")


@dataclass(frozen=True, slots=True)
class Price:
    """A list price, and where it was read."""

    unit: str
    price: Decimal
    of: str
    how: str = ""
    region: str = ""
    """The region of the price, where it is not the one of the provider's other prices."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """A provider's prices and how its regions differ."""

    region: str
    factors_known: bool
    """Whether the factors come from a source; else they are our estimate."""
    factors: Mapping[str, Decimal]
    factor_elsewhere: Decimal
    prices: Mapping[str, Price]

    def factor(self, region: str) -> Decimal:
        """Return how dear a region is, where the cheapest is 1."""
        return self.factors.get(region, self.factor_elsewhere)

    def unit_price(self, sku: str, unit: str, region: str) -> Decimal | None:
        """Return what one `unit` of a product costs in `region`; None when there is no price for that unit of it."""
        found = self.prices.get(sku)
        if found is None or found.unit != unit:
            return None
        factor = self.factor(region) / self.factor(found.region or self.region)
        return (found.price * factor).quantize(_PLACES).normalize()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All price lists."""

    version: str
    as_of: str
    currency: str
    hours_per_month: int
    source: str
    fixed_units: tuple[str, ...]
    providers: Mapping[str, PriceList]


def catalogue() -> Catalogue:
    """Return the catalogue of this release."""
    return table("prices", Catalogue)
