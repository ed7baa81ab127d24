"""Present value, internal rate and payback, against other ways to work them out."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.agents.roles.accountant.cash_flow import (
    Figures,
    break_even_benefit,
    cash_flows,
    internal_rate,
    payback_months,
    present_value,
    total_cost,
    worth,
)
from services.agents.roles.accountant.money import cents, whole
from services.agents.roles.accountant.sensitivity import DRIVERS

CENTS = st.integers(min_value=0, max_value=10**11)
FLOWS = st.lists(st.integers(min_value=-(10**11), max_value=10**11), min_size=1, max_size=6)
RATES = st.decimals(min_value="-0.5", max_value="2", places=4)


def by_hand(rate: Decimal, flows: list[int]) -> Fraction:
    """Discount from the last year back to the first, in fractions."""
    value = Fraction(0)
    for flow in reversed(flows):
        value = flow + value / (1 + Fraction(rate))
    return value


def figures(**changed: int | Decimal) -> Figures:
    base = Figures(
        years=3, build=458_660_00, contingency=111_660_00, one_off=23_000_00, infrastructure_month=963_43,
        people_year=161_733_60, benefit_year=0, usage_growth=Decimal("0.05"), wage_growth=Decimal("0.03"),
        discount_rate=Decimal("0.08"),
    )  # fmt: skip
    return replace(base, **changed)  # type: ignore[arg-type]


@given(flows=FLOWS, rate=RATES)
def test_the_present_value_is_that_of_another_method(flows: list[int], rate: Decimal) -> None:
    assert abs(Fraction(present_value(rate, flows)) - by_hand(rate, flows)) < Fraction(1, 1000)


@given(flows=FLOWS)
def test_at_a_rate_of_nothing_the_present_value_is_the_sum(flows: list[int]) -> None:
    assert present_value(Decimal(0), flows) == sum(flows)


@given(invested=CENTS, returns=st.lists(CENTS, min_size=1, max_size=5), rates=st.tuples(RATES, RATES))
def test_a_higher_rate_never_makes_an_investment_worth_more(
    invested: int, returns: list[int], rates: tuple[Decimal, Decimal]
) -> None:
    low, high = sorted(rates)

    assert present_value(high, [-invested, *returns]) <= present_value(low, [-invested, *returns])


@given(
    invested=st.integers(10**4, 10**10),
    percent_returned=st.integers(21, 1999),
    weights=st.lists(st.integers(1, 10**6), min_size=1, max_size=5),
)
def test_at_the_internal_rate_an_investment_is_worth_nothing(
    invested: int, percent_returned: int, weights: list[int]
) -> None:
    returned = invested * percent_returned // 100
    returns = [returned * weight // sum(weights) + 1 for weight in weights]
    flows = [-invested, *returns]
    rate = internal_rate(flows)

    assert rate is not None
    around = [present_value(Decimal(str(rate)) + step, flows) for step in (Decimal("-0.00001"), Decimal("0.00001"))]
    assert around[0] >= 0 >= around[1]


@pytest.mark.parametrize("flows", [[], [0, 0], [-5, -5], [5, 5], [-100, 300, -100], [-100, 0, 0]])
def test_there_is_no_internal_rate_without_exactly_one_change_of_sign(flows: list[int]) -> None:
    assert internal_rate(flows) is None


def test_an_internal_rate_that_is_known() -> None:
    assert internal_rate([-100_00, 110_00]) == pytest.approx(0.1)
    assert internal_rate([-1000_00, 0, 0, 1331_00]) == pytest.approx(0.1)
    assert internal_rate([-100_00, 50_00]) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("flows", "months"),
    [([-120, 120], 12), ([-120, 60, 120], 18), ([-120, 10, 10], None), ([0, 5], 0), ([-100, 400], 3), ([], None)],
)
def test_an_investment_is_paid_back_when_it_has_all_come_in(flows: list[int], months: float | None) -> None:
    assert payback_months(flows) == months


@given(build=CENTS, month=st.integers(0, 10**8), people=st.integers(0, 10**9))
def test_the_break_even_benefit_pays_back_and_a_cent_less_does_not(build: int, month: int, people: int) -> None:
    assume(build + month + people > 0)
    asked = figures(build=build, infrastructure_month=month, people_year=people)
    needed = break_even_benefit(asked, 36)

    def left(benefit: int) -> int:
        return sum(flow.net_cents for flow in cash_flows(replace(asked, benefit_year=benefit)))

    assert left(needed) >= 0 > left(needed - 1)


def test_cost_only_flows_are_worth_their_cost_today() -> None:
    asked = figures()
    rows = [-row.total_cents for row in total_cost(asked).rows]

    assert worth(asked) == round(by_hand(asked.discount_rate, rows))
    assert [flow.net_cents for flow in cash_flows(asked)] == rows


@given(factors=st.tuples(*[st.decimals(min_value="0.1", max_value="3", places=2)] * 2))
def test_more_of_a_cost_driver_never_makes_it_worth_more(factors: tuple[Decimal, Decimal]) -> None:
    low, high = sorted(factors)
    for driver in ("effort", "infrastructure prices", "people who keep it running", "growth of use"):
        change = DRIVERS[driver]
        assert worth(change(figures(), high)) <= worth(change(figures(), low)), driver


def test_half_cents_go_to_the_even_neighbour() -> None:
    assert [whole(Decimal(one)) for one in ("0.5", "1.5", "2.5", "-0.5", "-1.5")] == [0, 2, 2, 0, -2]
    assert cents(Decimal("0.025")) == 2
