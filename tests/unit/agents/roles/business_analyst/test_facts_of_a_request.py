import re

import pytest

from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.roles.business_analyst import facts, sentences

FRAME = "Claims platform for an insurer, 200k customers, GDPR, on AWS, budget 1.5M€, 9 months"
DETAILS = (
    "RTO 4 hours, RPO 15 minutes. Records are kept for 10 years. Decisions above 5,000 EUR need approval. "
    "We have 8 developers and a budget of 750,000 EUR; go-live in 6 months. "
    "Pages load in under 2 seconds for 500 concurrent users. Availability 99.9 %. Users grow 20 % a year."
)


def found(text: str) -> tuple[Fact, ...]:
    return facts.find(text, sentences.split(text))


def kinds(text: str) -> dict[str, str]:
    return {Fact.Kind.Name(fact.kind): fact.value for fact in found(text)}


def test_the_frame_of_a_project_is_read_from_one_line() -> None:
    assert kinds(FRAME) == {
        "INDUSTRY": "insurance",
        "USERS": "200000",
        "REGULATION": "GDPR",
        "CLOUD": "aws",
        "BUDGET": "1500000",
        "DEADLINE": "9",
    }


def test_money_is_also_in_cents_and_a_limit_is_an_upper_bound() -> None:
    budget = next(fact for fact in found(FRAME) if fact.kind == Fact.BUDGET)

    assert (budget.amount_cents, budget.unit, budget.op) == (150_000_000, "EUR", Fact.LE)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Fact.RTO, "4"),
        (Fact.RPO, "15"),
        (Fact.TEAM, "8"),
        (Fact.BUDGET, "750000"),
        (Fact.DEADLINE, "6"),
        (Fact.LATENCY, "2"),
        (Fact.CONCURRENT_USERS, "500"),
        (Fact.AVAILABILITY, "99.9"),
        (Fact.GROWTH, "20"),
    ],
)
def test_the_words_around_a_number_say_what_it_is_about(kind: Fact.Kind.ValueType, value: str) -> None:
    assert [fact.value for fact in found(DETAILS) if fact.kind == kind] == [value]


def test_a_limit_of_the_business_is_no_budget_and_a_retention_no_deadline() -> None:
    plain = [fact.value for fact in found(DETAILS) if fact.kind == Fact.QUANTITY]

    assert plain == ["10", "5000"]


@pytest.mark.parametrize("text", [FRAME, DETAILS])
def test_every_number_is_in_exactly_one_fact(text: str) -> None:
    spans = [tuple(fact.source.span) for fact in found(text)]

    for number in re.finditer(r"\d[\d.,]*\d|\d", text):
        covering = [span for span in spans if span[0] <= number.start() and number.end() <= span[1]]
        assert len(covering) == 1, number.group()


def test_an_order_of_magnitude_is_assumed() -> None:
    (fact,) = (fact for fact in found("Thousands of customers use it") if fact.kind == Fact.USERS)

    assert fact.basis == Source.ASSUMED


def test_a_language_is_no_region() -> None:
    assert "REGION" not in kinds("Customers read it in German.")
    assert kinds("Customers live in Germany.")["REGION"] == "DE"
