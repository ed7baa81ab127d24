"""The packaged prices: those of the source, for the region, and honest about what is not known."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from archwright.agents.v1.infrastructure_architect_pb2 import Node
from services.agents.knowledge.load import table
from services.agents.providers import regions, services
from services.agents.roles.accountant.money import choose_currency, conventions, exchange_rate, written
from services.agents.roles.accountant.optimizations import Savings
from services.agents.roles.accountant.prices import catalogue
from services.agents.roles.accountant.rate_card import rate_card
from services.agents.roles.accountant.sensitivity import DRIVERS

SOURCES = Path(__file__).parents[6] / "shared" / "data" / "prices"
NOT_DERIVABLE = {
    "azure.egress", "azure.key_vault.secret",
    "gcp.cdn", "gcp.logging.archive", "gcp.cloud_armor.policy", "gcp.cloud_armor.rule", "gcp.cloud_armor.requests",
}  # fmt: skip


def offered(provider: str) -> dict[str, str]:
    """Return the unit of every product that the infrastructure architect may choose."""
    known = services().providers[provider]
    units = {one.sku: one.unit for one in known.roles.values()}
    units |= {one.sku: "hours" for one in known.compute}
    return units | {one.sku: "hours" for one in known.database}


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_every_product_on_offer_has_a_price_for_its_unit_unless_the_source_gives_none(provider: str) -> None:
    offer = catalogue().providers[provider]
    missing = {sku for sku, unit in offered(provider).items() if offer.unit_price(sku, unit, offer.region) is None}

    assert missing == {one for one in NOT_DERIVABLE if one.startswith(provider)}


def test_a_price_for_another_unit_is_no_price() -> None:
    offer = catalogue().providers["aws"]

    assert offer.unit_price("aws.s3.standard", "GB", "us-east-1") == Decimal("0.023")
    assert offer.unit_price("aws.s3.standard", "hours", "us-east-1") is None
    assert offer.unit_price("aws.unheard-of", "GB", "us-east-1") is None


def test_the_region_counts_once_and_from_the_region_of_the_price() -> None:
    aws, azure = catalogue().providers["aws"], catalogue().providers["azure"]

    assert aws.unit_price("aws.waf.rule", "rules", "eu-central-1") == Decimal("1.154")
    assert azure.unit_price("azure.nat_gateway", "hours", "westeurope") == Decimal("0.045")
    assert azure.unit_price("azure.nat_gateway", "hours", "eastus") == Decimal("0.0375")


def test_every_region_that_a_place_may_lead_to_has_a_factor_or_is_dearer_than_the_cheapest() -> None:
    for place in regions().places.values():
        for provider in ("aws", "azure", "gcp"):
            for region in place[provider]:
                assert catalogue().providers[provider].factor(region) >= 1


def test_every_price_names_its_source_and_is_more_than_nothing() -> None:
    for offer in catalogue().providers.values():
        for sku, one in offer.prices.items():
            assert one.price > 0, sku
            assert " / " in one.of, sku


@pytest.mark.skipif(not SOURCES.exists(), reason="the price sources are not beside this repository")
def test_prices_and_factors_of_aws_are_those_of_the_source() -> None:
    source = json.loads((SOURCES / "aws_catalog_curated.json").read_text())
    offer = catalogue().providers["aws"]

    assert {sku: (one.unit, float(one.price)) for sku, one in offer.prices.items()} == {
        one["sku"]: (one["unit"], one["unit_price_usd"]) for one in source["items"]
    }
    assert {region: float(one) for region, one in offer.factors.items()} == source["region_multipliers"]["values"]
    assert catalogue().hours_per_month == source["hours_per_month"]


@pytest.mark.skipif(not SOURCES.exists(), reason="the price sources are not beside this repository")
@pytest.mark.parametrize("provider", ["azure", "gcp"])
def test_other_prices_stand_in_the_source_unless_they_say_how_they_were_made(provider: str) -> None:
    with (SOURCES / "infracost_golden_unit_prices.csv").open(newline="") as source:
        rows = {
            (f"{row['resource']} / {row['component']}", float(row["unit_price_usd"])) for row in csv.DictReader(source)
        }
    known = {of for of, _ in rows}
    for sku, one in catalogue().providers[provider].prices.items():
        assert one.of in known, sku
        assert one.how or (one.of, float(one.price)) in rows, sku


def test_all_trades_and_places_cost_something() -> None:
    card = rate_card()

    assert card.home in card.places
    assert all(one > 0 for one in (*card.roles.values(), *card.places.values(), card.default_rate))
    assert set(regions().places) <= set(card.places)


def test_payments_ask_for_something_that_can_be_true() -> None:
    for one in rate_card().once:
        assert one.regulations or one.node_types
        assert set(one.node_types) <= set(Node.Type.keys())


def test_every_swing_has_a_driver() -> None:
    assert set(conventions().sensitivity) == set(DRIVERS)
    assert all(swing.low < swing.high for swing in conventions().sensitivity.values())


def test_savings_are_for_roles_that_exist() -> None:
    roles = {"compute", "database", *services().providers["aws"].roles}
    for rule in table("savings", Savings).rules:
        assert set(rule.roles) <= roles
        assert 0 < rule.share < 1
        assert rule.lines in {"hours", "any"}


def test_exchange_there_and_back_is_where_it_began() -> None:
    for currency in conventions().exchange.per_usd:
        there, back = exchange_rate("USD", currency), exchange_rate(currency, "USD")
        assert there is not None
        assert back is not None
        assert float(there * back) == pytest.approx(1, abs=1e-5)
    assert exchange_rate("EUR", "EUR") == 1
    assert exchange_rate("EUR", "XAU") is None


def test_amounts_are_written_as_people_read_them() -> None:
    assert written(123_456_789, "EUR") == "1,234,567.89 EUR"
    assert written(-5, "USD") == "-0.05 USD"
    assert choose_currency((), "chf") == "CHF"
    assert choose_currency((), "") == conventions().default_currency
