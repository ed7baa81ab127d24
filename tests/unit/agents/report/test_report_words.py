from __future__ import annotations

import pytest

from archwright.agents.v1.accountant_pb2 import Budget
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.model_pb2 import Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.report.dossier import Dossier, Request
from services.agents.report.index import Index, anchor
from services.agents.report.quotes import Passage, passages
from services.agents.report.words import choice, money, number, percent, plural, short_money


@pytest.mark.parametrize(
    ("cents", "currency", "shown"),
    [
        (0, "EUR", "€0"),
        (53, "EUR", "€0.53"),
        (180000, "EUR", "€1,800"),
        (123456789, "USD", "$1,234,568"),
        (-250000, "GBP", "\N{MINUS SIGN}£2,500"),
        (100, "CHF", "CHF 1"),
        (100, "", "1"),
    ],
)
def test_money_is_shown_as_people_write_it(cents: int, currency: str, shown: str) -> None:
    assert money(cents, currency) == shown


@pytest.mark.parametrize(
    ("cents", "shown"),
    [
        (0, "€0"),
        (60000, "€600"),
        (120000, "€1.2k"),
        (99_999_900, "€1M"),
        (150_000_000, "€1.5M"),
        (300_000_000_000, "€3bn"),
    ],
)
def test_money_beside_a_chart_is_short(cents: int, shown: str) -> None:
    assert short_money(cents, "EUR") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.001, "0"),
        (1234.5, "1,234.5"),
        (2.0, "2"),
        (float("nan"), "\N{EN DASH}"),
        (float("inf"), "\N{EN DASH}"),
    ],
)
def test_numbers_have_no_needless_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_shares_are_per_cent_and_counts_have_their_noun() -> None:
    assert percent(2 / 3) == "66.7 %"
    assert plural(1, "process", "processes") == "1 process"
    assert plural(2, "node") == "2 nodes"


def test_a_choice_is_words_and_nothing_where_it_is_not_made() -> None:
    assert choice(Budget(verdict=Budget.AT_RISK), "verdict") == "at risk"
    assert choice(Budget(), "verdict") == ""


def test_a_choice_of_a_newer_version_is_nothing() -> None:
    assert choice(Budget.FromString(b"\x20\x63"), "verdict") == ""


def test_an_anchor_holds_no_markup() -> None:
    assert anchor('REQ"><b>1') == "at-REQ-b-1"


def of(text: str, *spans: tuple[int, int, str]) -> Dossier:
    requirements = [
        Requirement(id=f"REQ-{n}", source=Source(span=[start, end], quote=quote))
        for n, (start, end, quote) in enumerate(spans)
    ]
    return Dossier(
        Request(text), {"requirements": AgentOutput(requirements=RequirementsSpec(requirements=requirements))}
    )


def test_marks_that_overlap_are_cut_where_they_begin_and_end() -> None:
    assert passages(of("abcdef", (0, 4, "abcd"), (2, 6, "cdef"))) == (
        Passage("ab", ("REQ-0",)),
        Passage("cd", ("REQ-0", "REQ-1")),
        Passage("ef", ("REQ-1",)),
    )


@pytest.mark.parametrize("span", [(0, 9, "abcdef"), (-1, 2, "ab"), (1, 3, "zz"), (3, 1, "x")])
def test_a_quote_that_is_not_in_its_place_marks_nothing(span: tuple[int, int, str]) -> None:
    assert passages(of("abcdef", span)) == (Passage("abcdef"),)


def test_ids_that_nobody_made_stand_for_themselves() -> None:
    index = Index(of("text"))

    assert "REQ-9" not in index
    assert index.label("REQ-9") == "REQ-9"
    assert index.hint("REQ-9") == ""
