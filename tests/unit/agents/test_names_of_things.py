"""Names made of words."""

import pytest

from services.agents.naming import (
    camel,
    last_plural,
    mentions,
    names,
    nouns,
    pascal,
    plural,
    singular,
    slug,
    snake,
    stems,
)
from services.agents.verbs import Kind, classify, past_participle


@pytest.mark.parametrize(
    ("one", "many"),
    [("claim", "claims"), ("policy", "policies"), ("address", "addresses"), ("person", "people"),
     ("diagnosis", "diagnoses"), ("stock", "stock"), ("box", "boxes"), ("delivery", "deliveries"), ("house", "houses")],
)  # fmt: skip
def test_singular_and_plural_are_inverse(one: str, many: str) -> None:
    assert (plural(one), singular(many), singular(one)) == (many, one, one)


def test_a_name_of_several_words_has_its_plural_at_the_end() -> None:
    assert last_plural("trouble ticket") == "trouble tickets"


def test_names_for_code_hold_no_accents_and_begin_with_a_letter() -> None:
    assert (slug("Prämie & Café"), snake("2nd opinion"), pascal("trouble ticket"), camel("trouble ticket")) == (
        "pramie-cafe", "n_2nd_opinion", "TroubleTicket", "troubleTicket",
    )  # fmt: skip


def test_words_in_other_scripts_still_give_a_name() -> None:
    assert slug("保険金請求") == "unnamed"


@pytest.mark.parametrize("form", ["uploads", "uploaded", "uploading", "upload"])
def test_a_text_mentions_a_word_in_any_form(form: str) -> None:
    assert mentions(stems(f"The customer {form} a photo"), "upload")


def test_a_phrase_is_mentioned_only_in_one_piece() -> None:
    assert mentions(stems("a search in real time"), "real-time")
    assert not mentions(stems("a real estate at that time"), "real-time")


def test_a_bidder_is_no_bid() -> None:
    assert names(nouns("The bids of an auction"), "bid")
    assert not names(nouns("The bidder of an auction"), "bid")


@pytest.mark.parametrize(
    ("verb", "status"),
    [("approve", "approved"), ("pay", "paid"), ("flag", "flagged"), ("verify", "verified"), ("cancel", "cancelled"),
     ("assign", "assigned"), ("choose", "chosen")],
)  # fmt: skip
def test_a_verb_that_moves_a_thing_on_names_its_status(verb: str, status: str) -> None:
    assert past_participle(verb) == status


@pytest.mark.parametrize(
    ("verb", "kind"),
    [("submit", Kind.CREATE), ("search for", Kind.READ), ("update", Kind.UPDATE), ("delete", Kind.DELETE),
     ("approve", Kind.TRANSITION), ("notify", Kind.ANNOUNCE), ("frobnicate", Kind.UPDATE), ("", Kind.UPDATE)],
)  # fmt: skip
def test_a_verb_asks_for_an_operation(verb: str, kind: Kind) -> None:
    assert classify(verb)[0] is kind
