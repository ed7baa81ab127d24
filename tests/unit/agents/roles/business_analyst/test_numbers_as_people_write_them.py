from decimal import Decimal

import pytest

from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst.numbers import read
from services.agents.roles.business_analyst.quantity import Dimension

TABLE = [
    ("200k customers", "200000", "customers", Fact.EQ),
    ("200,000 customers", "200000", "customers", Fact.EQ),
    ("200 000 customers", "200000", "customers", Fact.EQ),
    ("200.000 customers", "200000", "customers", Fact.EQ),
    ("40,000+ users", "40000", "users", Fact.GE),
    ("fifty or so stand operators", "50", "operators", Fact.APPROX),
    ("1.5M€", "1500000", "EUR", Fact.EQ),
    ("€1.5m", "1500000", "EUR", Fact.EQ),
    ("1,5 Mio. EUR", "1500000", "EUR", Fact.EQ),
    ("EUR 1.5 million", "1500000", "EUR", Fact.EQ),
    ("$2bn", "2000000000", "USD", Fact.EQ),
    ("1.500,50 EUR", "1500.5", "EUR", Fact.EQ),
    ("99.9 %", "99.9", "percent", Fact.EQ),
    ("99.999 percent", "99.999", "percent", Fact.EQ),
    ("four nines", "99.99", "percent", Fact.GE),
    ("9 months", "9", "months", Fact.EQ),
    ("< 200 ms", "200", "ms", Fact.LT),
    ("p95 of 300ms", "300", "ms", Fact.LE),
    ("50 rps", "50", "rps", Fact.EQ),
    ("2 TB/month", "2", "TB/month", Fact.EQ),
    ("at least 3 offices", "3", "offices", Fact.GE),
    ("no more than 5 seconds", "5", "seconds", Fact.LE),
    ("10,000 transactions per hour", "10000", "transactions/hour", Fact.EQ),
]


@pytest.mark.parametrize(("text", "value", "unit", "op"), TABLE)
def test_a_number_is_read_with_scale_unit_and_bound(text: str, value: str, unit: str, op: int) -> None:
    (reading,) = read(text)

    assert (reading.text, reading.unit, reading.op) == (value, unit, op)
    assert text[reading.start : reading.end] == text


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100,000-1,900,000 orders", 100_000, 1_900_000),
        ("between 5 and 10 seconds", 5, 10),
        ("€1.5-2m", 1_500_000, 2_000_000),
        ("hundreds to thousands of customers", 200, 9_000),
        ("tens of thousands of users", 10_000, 90_000),
    ],
)
def test_a_range_has_two_ends(text: str, low: int, high: int) -> None:
    (reading,) = read(text)

    assert (reading.value, reading.high, reading.op) == (Decimal(low), Decimal(high), Fact.BETWEEN)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Q3 2027", "2027-Q3"),
        ("by 11 September 2023", "2023-09-11"),
        ("on 2027-03-31", "2027-03-31"),
        ("until March 2027", "2027-03"),
        ("end of 2026", "2026-12-31"),
    ],
)
def test_a_date_is_one_reading(text: str, plain: str) -> None:
    (reading,) = read(text)

    assert (reading.dimension, reading.text) == (Dimension.DATE, plain)


def test_service_around_the_clock_is_no_number_to_calculate_with() -> None:
    (reading,) = read("support 24x7")

    assert reading.dimension is Dimension.SERVICE_TIME
    assert reading.value is None


@pytest.mark.parametrize("text", ["OAuth2 and S3", "the 2nd round", "a 10x10 grid", "3D models", "REQ12"])
def test_digits_in_names_are_no_numbers(text: str) -> None:
    assert read(text) == ()


def test_list_markers_are_no_numbers() -> None:
    assert [reading.text for reading in read("1. pay\n2. ship 3 parcels")] == ["3"]


def test_an_order_of_magnitude_is_not_literal() -> None:
    (reading,) = read("thousands of customers")

    assert not reading.is_literal
