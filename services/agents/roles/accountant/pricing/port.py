"""What the accountant needs of whoever knows prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol


class Wanted(NamedTuple):
    """A product in a place, and the unit that it is counted in."""

    provider: str
    region: str
    sku: str
    unit: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What one unit costs, in the catalogue's currency, and who said so."""

    price: Decimal
    source: str


class PriceProvider(Protocol):
    """Knows what products cost."""

    @property
    def name(self) -> str:
        """Who it is, as an estimate names its source."""

    async def quotes(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Quote]:
        """Return the prices that are known; raises DependencyUnavailable."""
