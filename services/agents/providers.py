"""Clouds and data centres: which product plays which role, and where each provider has regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.agents.knowledge.load import table

OWN = "own-data-centre"
"""How the ids of regions begin that are the client's own."""


@dataclass(frozen=True, slots=True)
class Host:
    """A size of virtual machine."""

    sku: str
    size: str
    """The provider's own name for it."""
    vcpu: float
    memory_gib: float


@dataclass(frozen=True, slots=True)
class Database:
    """A size of managed database, with or without a copy in another availability zone."""

    sku: str
    size: str
    vcpu: float
    memory_gib: float
    replicated: bool


@dataclass(frozen=True, slots=True)
class Product:
    """What plays a role: its key in the price catalogue, the catalogue's unit, and the Terraform type."""

    sku: str
    unit: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A cloud, or a data centre of one's own."""

    title: str
    engine: str
    compute_resource: str
    compute: tuple[Host, ...]
    database_resource: str
    database: tuple[Database, ...]
    roles: Mapping[str, Product]


@dataclass(frozen=True, slots=True)
class Services:
    """All providers, and how likely one of each thing is in service."""

    single: Mapping[str, float]
    providers: Mapping[str, Provider]


@dataclass(frozen=True, slots=True)
class Regions:
    """Where providers have data centres."""

    places: Mapping[str, Mapping[str, tuple[str, ...]]]
    members: Mapping[str, tuple[str, ...]]
    currencies: Mapping[str, str]
    default_place: str
    default_provider: str


def services() -> Services:
    """Return the table of products."""
    return table("services", Services)


def regions() -> Regions:
    """Return the table of regions."""
    return table("regions", Regions)


def resource_type(role: str, offer: Provider) -> str:
    """Return the Terraform type that makes what plays a role; empty for what is only metered."""
    match role:
        case "compute":
            return offer.compute_resource
        case "database":
            return offer.database_resource
        case _:
            product = offer.roles.get(role)
            return product.resource if product is not None else ""


def place(name: str, region: str) -> str:
    """Return a provider and a region as people say it: "Microsoft Azure, westeurope"; "your own data centre (DE)"."""
    known = services().providers.get(name)
    if region.startswith(OWN):
        country = region.removeprefix(OWN).strip("-").upper()
        return "your own data centre" + (f" ({country})" if country else "")
    return ", ".join(part for part in (known.title if known is not None else name, region) if part)


def provider(name: str) -> Provider:
    """Return a provider of the table."""
    return services().providers[name]
