"""What every price provider does, and what becomes of an estimate when one does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal

import pytest
from price_server import KEY, price_server
from role_chain import HAULIER, HOSPITAL, outputs_of

from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.errors import DependencyUnavailable
from services.agents.roles.accountant.deliverable import produce
from services.agents.roles.accountant.prices import catalogue
from services.agents.roles.accountant.pricing.catalogue import CataloguePrices
from services.agents.roles.accountant.pricing.infracost import InfracostPrices
from services.agents.roles.accountant.pricing.port import PriceProvider, Wanted
from services.agents.roles.accountant.pricing.snapshot import from_catalogue, hash_of, taken

HOST = Wanted("aws", "eu-central-1", "aws.ec2.t3.large", "hours")
UNHEARD_OF = Wanted("aws", "eu-central-1", "aws.unheard-of", "hours")
Served = Callable[[], AbstractAsyncContextManager[PriceProvider]]
PRICES = {"t3.medium": ["0.05"], "t3.large": ["0.096"], "Standard_D2s_v3": ["0.115"]}


@asynccontextmanager
async def embedded() -> AsyncIterator[PriceProvider]:
    yield CataloguePrices()


@asynccontextmanager
async def elsewhere() -> AsyncIterator[PriceProvider]:
    async with price_server(PRICES) as server:
        yield InfracostPrices(server.url, KEY)


@pytest.mark.parametrize("served", [embedded, elsewhere])
class TestEveryProvider:
    async def test_a_known_product_has_a_price_and_a_source(self, served: Served) -> None:
        async with served() as provider:
            found = await provider.quotes([HOST])

        assert found[HOST].price > 0
        assert found[HOST].source == provider.name

    async def test_an_unknown_product_has_none_and_is_never_free(self, served: Served) -> None:
        async with served() as provider:
            assert await provider.quotes([UNHEARD_OF]) == {}

    async def test_a_price_is_that_of_its_unit(self, served: Served) -> None:
        async with served() as provider:
            assert await provider.quotes([HOST._replace(unit="GB")]) == {}

    async def test_nothing_is_asked_for_nothing(self, served: Served) -> None:
        async with served() as provider:
            assert await provider.quotes([]) == {}


async def test_products_are_asked_for_in_their_region_and_all_at_once() -> None:
    other = HOST._replace(sku="aws.ec2.m5.xlarge")
    async with price_server(PRICES) as server:
        found = await InfracostPrices(server.url, KEY).quotes([HOST, other])

    [[first, second]] = server.asked
    assert first["variables"]["productFilter"]["region"] == "eu-central-1"
    assert {"key": "instanceType", "value": "t3.large"} in first["variables"]["productFilter"]["attributeFilters"]
    assert {"key": "instanceType", "value": "m5.xlarge"} in second["variables"]["productFilter"]["attributeFilters"]
    assert found == {HOST: found[HOST]}


@pytest.mark.parametrize("prices", [["0.1", "0.2"], ["0"], ["free"]])
async def test_a_price_that_is_not_one_counts_for_none(prices: list[str]) -> None:
    async with price_server({"t3.large": prices}) as server:
        assert await InfracostPrices(server.url, KEY).quotes([HOST]) == {}


@pytest.mark.parametrize("fault", ["broken", "no json", "short"])
async def test_a_service_that_fails_is_named(fault: str) -> None:
    async with price_server(PRICES, fault) as server:
        with pytest.raises(DependencyUnavailable, match=server.url):
            await InfracostPrices(server.url, KEY).quotes([HOST])


async def test_a_wrong_key_is_told() -> None:
    async with price_server(PRICES) as server:
        with pytest.raises(DependencyUnavailable, match="403"):
            await InfracostPrices(server.url, "wrong").quotes([HOST])


@pytest.fixture(scope="module")
async def infrastructure() -> InfrastructureArchitecture:
    return (await outputs_of(HOSPITAL, until="infrastructure"))["infrastructure"].infrastructure


async def test_what_the_service_does_not_know_keeps_the_catalogues_price(
    infrastructure: InfrastructureArchitecture,
) -> None:
    async with price_server(PRICES) as server:
        snapshot = await taken(InfracostPrices(server.url, KEY), infrastructure, "2026-11-24")

    sources = {quote.source for quote in snapshot.quotes.values()}
    assert snapshot.as_of == "2026-11-24"
    assert sources == {"infracost", f"catalogue {catalogue().version}"}


async def test_an_estimate_keeps_the_prices_by_which_it_can_be_made_again() -> None:
    outputs = await outputs_of(HAULIER, until="plan")
    designed = outputs["infrastructure"].infrastructure
    async with price_server({"Standard_D2s_v3": ["9"], "Standard_D4s_v3": ["9"]}) as server:
        snapshot = await taken(InfracostPrices(server.url, KEY), designed, "2026-11-24")
    given = (outputs["requirements"], outputs["infrastructure"], outputs["plan"], outputs["application"])

    dear = produce(*given, snapshot=snapshot).finance
    usual = produce(*given).finance

    assert dear.infra_costs.monthly_total_cents > usual.infra_costs.monthly_total_cents
    assert dear.price_catalog.hash == hash_of(list(dear.price_catalog.prices)) != usual.price_catalog.hash
    by_sku = {one.sku: one.price for one in dear.price_catalog.prices}
    for line in (line for each in dear.infra_costs.environments for line in each.lines):
        if not line.price_not_found:
            assert Decimal(line.unit_price) == Decimal(by_sku[line.sku])


async def test_a_service_that_is_away_leaves_the_catalogues_prices_and_says_so(
    infrastructure: InfrastructureArchitecture,
) -> None:
    snapshot = await taken(InfracostPrices("http://127.0.0.1:9", KEY), infrastructure, "2026-11-24")

    assert snapshot.quotes == from_catalogue(infrastructure).quotes
    assert "does not answer" in snapshot.problem


async def test_an_estimate_says_that_its_prices_are_not_of_today() -> None:
    outputs = await outputs_of(HAULIER, until="infrastructure")
    snapshot = from_catalogue(outputs["infrastructure"].infrastructure, "It does not answer.")

    made = produce(outputs["requirements"], outputs["infrastructure"], None, snapshot=snapshot)

    assert "PRICES_NOT_OF_TODAY" in {finding.code for finding in made.findings}
