import pytest

from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.roles.business_analyst.clauses import read

WHO_DOES_WHAT = [
    ("Customers report a claim online.", [("Customers", "report", "claim")]),
    (
        "A customer must be able to enter, edit and delete an address.",
        [("customer", "enter", "address"), ("customer", "edit", "address"), ("customer", "delete", "address")],
    ),
    (
        "Customers report a claim and upload photos of the damage.",
        [("Customers", "report", "claim"), ("Customers", "upload", "photos of damage")],
    ),
    ("The product shall allow the user to save the search results.", [("user", "save", "search results")]),
    ("The system must notify the customer.", [("", "notify", "customer")]),
    ("New claims are assigned to a claims handler.", [("", "assign", "New claims")]),
    (
        "Tickets can be entered by clerks or customers.",
        [("clerks", "enter", "Tickets"), ("customers", "enter", "Tickets")],
    ),
    ("Decisions above 5,000 EUR need the approval of a manager.", [("manager", "approve", "Decisions")]),
    ("track sales by time and location", [("", "track", "sales")]),
    ("As a clerk, I want to be able to archive files, so that my desk is tidy.", [("clerk", "archive", "files")]),
    (
        "The picker must offer a substitute and the shopper can accept it.",
        [("picker", "offer", "substitute"), ("shopper", "accept", "substitute")],
    ),
    ("Stock levels come from the ERP.", [("", "receive", "Stock levels")]),
]


@pytest.mark.parametrize(("sentence", "expected"), WHO_DOES_WHAT)
def test_a_sentence_says_who_does_what_to_what(sentence: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(one.actor, one.verb, one.object) for one in read(sentence)] == expected


@pytest.mark.parametrize(
    ("sentence", "pattern"),
    [
        ("The system shall store claims.", Requirement.UBIQUITOUS),
        ("When a claim arrives, the system shall store it.", Requirement.EVENT_DRIVEN),
        ("While the store is closed, the system shall reject orders.", Requirement.STATE_DRIVEN),
        ("Where a printer is present, the system shall print receipts.", Requirement.OPTIONAL_FEATURE),
        ("If the payment fails, then the system shall notify the customer.", Requirement.UNWANTED_BEHAVIOUR),
        ("As a guest, I want to book a room.", Requirement.USER_STORY),
    ],
)
def test_leading_words_give_the_ears_pattern(sentence: str, pattern: int) -> None:
    assert read(sentence)[0].pattern == pattern


def test_a_condition_behind_the_sentence_counts_as_well() -> None:
    (clause,) = read("The system must notify the customer when the status of a claim changes.")

    assert clause.condition == "when the status of a claim changes"


@pytest.mark.parametrize(
    "sentence", ["We cannot lose orders.", "The system shall not lose orders.", "It can't lose orders."]
)
def test_a_ban_is_negated(sentence: str) -> None:
    assert read(sentence)[0].is_negated


def test_the_reason_of_a_story_is_kept() -> None:
    (clause,) = read("As a guest, I want to book a room, so that I can sleep.")

    assert clause.benefit == "I can sleep"


@pytest.mark.parametrize("sentence", ["", "   ", "!?", "and and and", "🚀", "must", "to to to to"])
def test_nonsense_is_read_without_complaint(sentence: str) -> None:
    assert isinstance(read(sentence), tuple)
