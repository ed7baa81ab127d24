"""Prices of the catalogue that comes with this release: offline, and always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.agents.roles.accountant.prices import catalogue
from services.agents.roles.accountant.pricing.port import Quote, Wanted


class CataloguePrices:
    """The embedded provider."""

    @property
    def name(self) -> str:
        """Who it is."""
        return f"catalogue {catalogue().version}"

    async def quotes(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Quote]:
        """Return the prices that are known."""
        return self.known(wanted)

    def known(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Quote]:
        """Return the prices that are known, without waiting for anybody."""
        offers, found = catalogue().providers, {}
        for one in wanted:
            offer = offers.get(one.provider)
            price = offer.unit_price(one.sku, one.unit, one.region) if offer is not None else None
            if price is not None:
                found[one] = Quote(price, self.name)
        return found
