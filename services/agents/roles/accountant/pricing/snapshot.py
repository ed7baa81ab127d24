"""The prices that an estimate used, kept with it: by them it can be made again, and by their hash it can be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from archwright.agents.v1.accountant_pb2 import SnapshotPrice
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.errors import DependencyUnavailable
from services.agents.roles.accountant.prices import catalogue
from services.agents.roles.accountant.pricing.catalogue import CataloguePrices
from services.agents.roles.accountant.pricing.port import PriceProvider, Quote, Wanted


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Prices as they were at one time."""

    version: str
    as_of: str
    quotes: Mapping[Wanted, Quote] = field(default_factory=dict)
    problem: str = ""
    """Why whoever was asked for today's prices did not give them; empty where nothing went wrong."""

    @property
    def prices(self) -> list[SnapshotPrice]:
        """The prices, sorted."""
        return [
            SnapshotPrice(sku=one.sku, unit=one.unit, price=format(quote.price, "f"), source=quote.source)
            for one, quote in sorted(self.quotes.items())
        ]


def wanted_by(infrastructure: InfrastructureArchitecture) -> list[Wanted]:
    """Return what has to be priced, each once."""
    place = infrastructure.provider, infrastructure.region.id
    return list(dict.fromkeys(Wanted(*place, node.sku, node.unit) for node in infrastructure.nodes))


def from_catalogue(infrastructure: InfrastructureArchitecture, problem: str = "") -> Snapshot:
    """Return the catalogue's prices."""
    known = CataloguePrices().known(wanted_by(infrastructure))
    return Snapshot(catalogue().version, catalogue().as_of, known, problem)


async def taken(provider: PriceProvider, infrastructure: InfrastructureArchitecture, today: str) -> Snapshot:
    """Return what `provider` says today, and the catalogue's prices for what it does not know."""
    usual = from_catalogue(infrastructure)
    try:
        found = await provider.quotes(wanted_by(infrastructure))
    except DependencyUnavailable as error:
        return from_catalogue(infrastructure, error.message)
    if not found:
        return from_catalogue(infrastructure, f"{provider.name} knows no price of what is needed.")
    return Snapshot(provider.name, today, {**usual.quotes, **found})


def hash_of(prices: list[SnapshotPrice]) -> str:
    """Return the SHA-256 of prices, in hexadecimal: of a line for each, its fields between tabs."""
    lines = (f"{one.sku}\t{one.unit}\t{one.price}\t{one.source}\n" for one in prices)
    return sha256("".join(lines).encode()).hexdigest()
