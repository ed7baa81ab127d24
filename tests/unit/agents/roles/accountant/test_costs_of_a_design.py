"""The assessment of a design: every total adds up, nothing is free by accident, and the budget is judged fairly."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from archwright.agents.v1.accountant_pb2 import Budget, FinancialAssessment
from archwright.agents.v1.infrastructure_architect_pb2 import Node
from archwright.agents.v1.model_pb2 import Fact, Source, Trace
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.testing import performed
from services.agents.deliverables import from_json, to_json
from services.agents.roles.accountant.deliverable import produce
from services.agents.roles.accountant.service import agent
from services.agents.roles.project_manager.deliverable import produce as plan_project

Maker = Callable[..., AgentOutput]


@pytest.fixture
def assessed(claims: AgentOutput, placed: AgentOutput, plan: AgentOutput, applications: AgentOutput) -> AgentOutput:
    return produce(claims, placed, plan, applications)


@pytest.fixture
def finance(assessed: AgentOutput) -> FinancialAssessment:
    return assessed.finance


def codes(output: AgentOutput) -> set[str]:
    return {one.code for one in output.findings}


def budget_of(euros: int, **more: str) -> Fact:
    return Fact(id=more.get("id", "FACT-B"), kind=Fact.BUDGET, value=str(euros), number=euros, unit="EUR",
                amount_cents=euros * 100)  # fmt: skip


def test_all_totals_are_sums_of_their_lines(finance: FinancialAssessment) -> None:
    costs = finance.infra_costs
    for one in costs.environments:
        assert one.monthly_total_cents == sum(line.monthly_cents for line in one.lines)
    assert costs.monthly_total_cents == sum(one.monthly_total_cents for one in costs.environments)
    assert finance.tco.total_cents == sum(row.total_cents for row in finance.tco.rows)
    built = sum(one.amount_cents for one in finance.build_costs) + sum(one.amount_cents for one in finance.one_off)
    assert finance.budget.p50_cents == built
    assert finance.budget.p80_cents == built + finance.contingency.amount_cents == finance.tco.rows[0].capex_cents


def test_every_line_can_be_worked_out_again_from_what_it_shows(finance: FinancialAssessment) -> None:
    rate = Decimal(str(finance.fx.rate))
    for environment in finance.infra_costs.environments:
        for line in environment.lines:
            amount = Decimal(str(line.qty)) * Decimal(line.unit_price) * rate * 100
            assert abs(amount - line.monthly_cents) <= Decimal("0.5000001"), line.sku


def test_every_node_has_a_line_in_every_environment_and_no_other_has(
    placed: AgentOutput, finance: FinancialAssessment
) -> None:
    ids = [one.id for one in placed.infrastructure.nodes]

    assert [one.name for one in finance.infra_costs.environments] == ["production", "staging", "development"]
    for environment in finance.infra_costs.environments:
        assert [line.node_id for line in environment.lines] == ids


def test_things_paid_by_the_hour_are_on_all_month(placed: AgentOutput, finance: FinancialAssessment) -> None:
    production = {line.node_id: line for line in finance.infra_costs.environments[0].lines}
    for node in placed.infrastructure.nodes:
        assert production[node.id].qty == pytest.approx(node.qty * (730 if node.unit == "hours" else 1))


def test_the_plan_of_the_reference_costs_what_the_reference_says(finance: FinancialAssessment) -> None:
    """5,396 hours at 85 EUR are 458,660 EUR; P80 of 2,541 / 5,396 / 9,922 hours is 6,710."""
    assert sum(one.amount_cents for one in finance.build_costs) == 458_660_00
    assert {one.rate_cents for one in finance.build_costs} == {85_00}
    p80_hours = 5396 * (1 + finance.contingency.pct / 100)
    assert p80_hours == pytest.approx(6710, abs=1)
    assert finance.contingency.basis == "P80-P50"
    assert finance.contingency.amount_cents == pytest.approx((p80_hours - 5396) * 85_00, abs=500)


def test_the_real_plan_is_priced_at_its_even_hours(
    claims: AgentOutput, placed: AgentOutput, applications: AgentOutput
) -> None:
    planned = plan_project(claims, applications, placed)

    output = produce(claims, placed, planned, applications)

    made, total = output.finance, planned.plan.estimation.total_hours
    assert not output.degraded
    assert "HOURS_DIFFER" not in codes(output)
    assert [one.activity_id for one in made.build_costs] == [one.id for one in planned.plan.activities]
    assert sum(one.hours for one in made.build_costs) == pytest.approx(total.p50, rel=0.01)
    # Every trade of the plan is on the rate card.
    assert "RATE_NOT_FOUND" not in codes(output)


def test_activities_that_do_not_add_up_to_the_estimate_are_named(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    del plan.plan.activities[1]

    assert "HOURS_DIFFER" in codes(produce(claims, placed, plan))


def test_environments_besides_production_add_half_to_the_reference_bill(claims: AgentOutput) -> None:
    """1,346.69 USD a month in us-east-1 are 1,554.08 in eu-central-1 and 2,331.12 with half as much again."""
    placed = AgentOutput()
    placed.infrastructure.provider, placed.infrastructure.region.id = "aws", "eu-central-1"
    for name, scale in (("production", 1.0), ("other", 0.5)):
        placed.infrastructure.environments.add(name=name, scale_factor=scale)
    # Secrets at 0.40 and firewall rules at 1.00 USD a month make up the amount: 1,346.69 = 1,000 + 866.725 * 0.4.
    placed.infrastructure.nodes.add(id="NOD-a", sku="aws.waf.rule", unit="rules", qty=1000)
    placed.infrastructure.nodes.add(id="NOD-b", sku="aws.secret", unit="months", qty=866.725)

    made = produce(claims, placed, None, currency="USD").finance

    assert made.currency == "USD"
    assert [one.monthly_total_cents for one in made.infra_costs.environments] == [155_408, 77_704]
    assert made.infra_costs.monthly_total_cents == 233_112


def test_running_costs_grow_from_the_month_as_the_convention_says(finance: FinancialAssessment) -> None:
    month, people = finance.infra_costs.monthly_total_cents, finance.run_costs
    year = people.support_cents + people.licences_cents + people.ops_cents
    for row in finance.tco.rows[1:]:
        expected = 12 * month * 1.05**row.year + year * 1.03**row.year
        assert row.opex_cents == pytest.approx(expected, abs=1)


def test_growth_that_the_request_names_is_used(claims: AgentOutput, placed: AgentOutput) -> None:
    usual = produce(claims, placed, None).finance
    claims.requirements.facts.add(kind=Fact.GROWTH, value="30", number=30, unit="percent")
    grown = produce(claims, placed, None).finance
    month = grown.infra_costs.monthly_total_cents

    more = grown.tco.rows[2].opex_cents - usual.tco.rows[2].opex_cents
    assert more == pytest.approx(12 * month * (1.3**2 - 1.05**2), abs=2)


def test_a_product_without_a_price_is_flagged_and_never_silently_free(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    placed.infrastructure.nodes.add(id="NOD-odd", type=Node.VM, sku="aws.quantum", unit="hours", qty=1)
    placed.infrastructure.nodes.add(id="NOD-unit", type=Node.VM, sku="aws.s3.standard", unit="hours", qty=1)

    output = produce(claims, placed, plan)
    lines = [line for one in output.finance.infra_costs.environments for line in one.lines]

    for line in lines:
        assert line.price_not_found == (line.unit_price == "")
        if line.price_not_found:
            assert line.monthly_cents == 0
    finding = next(one for one in output.findings if one.code == "PRICE_NOT_FOUND")
    assert list(finding.subject_ids) == ["NOD-odd", "NOD-unit"]
    assert output.finance.range.estimate_class == 5


def test_a_data_centre_of_ones_own_has_no_list_prices(claims: AgentOutput, placed: AgentOutput) -> None:
    for node in placed.infrastructure.nodes:
        node.sku = node.sku.replace("aws.", "onprem.")
    placed.infrastructure.provider = "onprem"

    output = produce(claims, placed, None)

    assert "PRICE_NOT_FOUND" in codes(output)
    assert output.finance.infra_costs.monthly_total_cents == 0
    assert not output.finance.optimizations


@pytest.mark.parametrize(
    ("euros", "verdict"),
    [(400_000, Budget.OVER), (500_000, Budget.AT_RISK), (1_000_000, Budget.WITHIN)],
)
def test_the_verdict_follows_from_the_even_and_the_safe_cost(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput, euros: int, verdict: Budget.Verdict.ValueType
) -> None:
    facts = [one for one in claims.requirements.facts if one.kind != Fact.BUDGET]
    del claims.requirements.facts[:]
    claims.requirements.facts.extend([*facts, budget_of(euros)])

    output = produce(claims, placed, plan)
    budget = output.finance.budget

    assert budget.verdict == verdict
    assert (f"BUDGET_{Budget.Verdict.Name(verdict)}" in codes(output)) == (verdict != Budget.WITHIN)
    assert budget.remaining_cents == euros * 100 - budget.committed_cents
    assert (budget.p50_cents > budget.given_cents) == (verdict == Budget.OVER)
    assert (budget.p80_cents <= budget.given_cents) == (verdict == Budget.WITHIN)


def test_of_two_budgets_the_smaller_counts_and_both_are_named(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    claims.requirements.facts.append(budget_of(90_000, id="FACT-2"))

    output = produce(claims, placed, plan)

    assert output.finance.budget.given_cents == 90_000_00
    assert "BUDGETS_DIFFER" in codes(output)


def test_without_a_budget_there_is_no_verdict_but_a_question(auctions: AgentOutput, placed: AgentOutput) -> None:
    output = produce(auctions, placed, None)

    assert output.finance.budget.verdict == Budget.NO_BUDGET
    assert not output.finance.budget.HasField("given_cents")
    assert "budget" in {one.about for one in output.open_questions}


def test_no_benefit_is_made_up(finance: FinancialAssessment) -> None:
    assert finance.npv.cost_only
    assert not finance.benefits
    assert not any(finance.HasField(name) for name in ("irr", "payback_months", "roi"))
    spent = sum(row.total_cents for row in finance.tco.rows)
    needed = finance.break_even_benefit_cents_per_year
    assert 3 * needed >= spent > 3 * (needed - 1)


def test_a_stated_saving_is_counted_with_its_sentence(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    text = "The portal costs up to 5M EUR. It will save us 80,000 EUR per month. Nothing else."
    start = text.index("80,000 EUR")
    claims.requirements.facts.add(
        id="FACT-S", kind=Fact.QUANTITY, value="80000", number=80_000, unit="EUR", amount_cents=80_000_00,
        source=Source(span=[start, start + 10], quote="80,000 EUR"), basis=Source.EXPLICIT, confidence=0.6,
    )  # fmt: skip

    made = produce(claims, placed, plan, text=text).finance

    assert [(one.basis_text, one.amount_cents) for one in made.benefits] == [
        ("It will save us 80,000 EUR per month.", 960_000_00)
    ]
    assert not made.npv.cost_only
    assert made.npv.value_cents > 0
    assert made.irr > made.npv.rate
    assert 0 < made.payback_months < 36
    assert made.roi > 0


def test_a_saving_without_a_period_is_not_counted_and_said_so(claims: AgentOutput, placed: AgentOutput) -> None:
    text = "It should cut costs by 100,000 EUR."
    claims.requirements.facts.add(
        id="FACT-S", kind=Fact.QUANTITY, number=100_000, unit="EUR", amount_cents=100_000_00,
        source=Source(span=[23, 34], quote="100,000 EUR"),
    )  # fmt: skip

    output = produce(claims, placed, None, text=text)

    assert not output.finance.benefits
    assert "BENEFIT_NOT_COUNTED" in codes(output)


def test_another_currency_changes_money_only(claims: AgentOutput, placed: AgentOutput, plan: AgentOutput) -> None:
    euros, pounds = (produce(claims, placed, plan, currency=one).finance for one in ("EUR", "GBP"))
    quantities = [
        [(line.node_id, line.qty, line.unit_price) for one in made.infra_costs.environments for line in one.lines]
        for made in (euros, pounds)
    ]

    assert quantities[0] == quantities[1]
    assert [one.hours for one in euros.build_costs] == [one.hours for one in pounds.build_costs]
    ratio = 0.75 / 0.86
    assert pounds.tco.total_cents == pytest.approx(euros.tco.total_cents * ratio, rel=1e-4)
    assert pounds.budget.given_cents == pytest.approx(euros.budget.given_cents * ratio, rel=1e-4)


def test_a_currency_without_a_rate_is_named(claims: AgentOutput, placed: AgentOutput, plan: AgentOutput) -> None:
    output = produce(claims, placed, plan, currency="XAU")

    assert output.finance.currency == "EUR"
    assert "EXCHANGE_RATE_UNKNOWN" in codes(output)


@pytest.mark.parametrize("left_out", ["requirements", "infrastructure", "plan"])
def test_a_missing_input_degrades_the_assessment_but_does_not_stop_it(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput, left_out: str
) -> None:
    inputs = {"requirements": claims, "infrastructure": placed, "plan": plan}
    there = {key: None if key == left_out else one for key, one in inputs.items()}

    output = produce(there["requirements"], there["infrastructure"], there["plan"])

    assert output.degraded
    assert [list(one.subject_ids) for one in output.findings if one.code == "INPUT_MISSING"] == [[left_out]]
    assert output.finance.tco.total_cents > 0


def test_without_a_plan_a_large_budget_is_not_called_enough(claims: AgentOutput, placed: AgentOutput) -> None:
    made = produce(claims, placed, None).finance

    assert not made.build_costs
    assert made.budget.verdict == Budget.AT_RISK
    assert made.range.estimate_class == 5


def test_nothing_at_all_gives_an_empty_assessment() -> None:
    output = produce(None, None, None)

    assert output.degraded
    assert output.finance.tco.total_cents == 0
    assert output.finance.npv.value_cents == 0


def test_work_of_an_unknown_trade_is_priced_and_named(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    plan.plan.activities[0].role = "alchemist"

    output = produce(claims, placed, plan)

    assert output.finance.build_costs[0].rate_cents > 0
    assert next(one for one in output.findings if one.code == "RATE_NOT_FOUND").subject_ids == ["alchemist"]


def test_every_activity_is_traced_to_what_it_costs(plan: AgentOutput, assessed: AgentOutput) -> None:
    costed = {one.to_id for one in assessed.traces if one.kind == Trace.COSTS}

    assert {one.id for one in plan.plan.activities} <= costed


def test_capabilities_share_no_more_than_the_whole(finance: FinancialAssessment) -> None:
    parts = finance.unit_costs.per_capability

    assert 0 < sum(one.monthly_cents for one in parts) <= finance.infra_costs.monthly_total_cents
    assert 0 < sum(one.build_cents for one in parts) <= sum(one.amount_cents for one in finance.build_costs)


def test_one_user_and_one_transaction_cost_their_share_of_an_average_year(finance: FinancialAssessment) -> None:
    year = finance.tco.total_cents / 3

    assert finance.unit_costs.per_user_year_cents == pytest.approx(year / 200_000, abs=0.5)
    assert float(finance.unit_costs.per_transaction) == pytest.approx(year / 100 / 24_000, abs=1e-4)


def test_savings_are_worth_something_and_less_than_the_bill(finance: FinancialAssessment) -> None:
    savings = [one.saving_monthly_cents for one in finance.optimizations]

    assert savings
    assert savings == sorted(savings, reverse=True)
    assert all(0 < one < finance.infra_costs.monthly_total_cents for one in savings)
    assert all(one.node_ids and one.risk for one in finance.optimizations)


def test_the_driver_that_moves_the_result_most_comes_first(finance: FinancialAssessment) -> None:
    widths = [abs(one.npv_high_cents - one.npv_low_cents) for one in finance.sensitivity]

    assert {"effort", "infrastructure prices", "discount rate"} <= {one.driver for one in finance.sensitivity}
    assert widths == sorted(widths, reverse=True)


def test_twice_the_nodes_never_cost_less(claims: AgentOutput, placed: AgentOutput, plan: AgentOutput) -> None:
    before = produce(claims, placed, plan).finance
    for node in placed.infrastructure.nodes:
        node.qty *= 2
    after = produce(claims, placed, plan).finance

    assert after.infra_costs.monthly_total_cents == pytest.approx(2 * before.infra_costs.monthly_total_cents, abs=40)
    assert after.tco.total_cents > before.tco.total_cents


def test_the_same_inputs_give_the_same_bytes(claims: AgentOutput, placed: AgentOutput, plan: AgentOutput) -> None:
    first, second = (produce(claims, placed, plan).SerializeToString(deterministic=True) for _ in range(2))

    assert first == second


def test_two_requests_cost_differently(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput, auctions: AgentOutput
) -> None:
    one, other = produce(claims, placed, plan).finance, produce(auctions, placed, plan).finance

    assert one.budget.verdict != other.budget.verdict
    assert [cost.name for cost in one.one_off] != [cost.name for cost in other.one_off]


async def test_the_agent_answers_with_what_produce_makes(
    claims: AgentOutput, placed: AgentOutput, plan: AgentOutput
) -> None:
    task_input = {
        "request": {"request": "A platform.", "currency": "chf"},
        "requirements": to_json(claims),
        "infrastructure": to_json(placed),
        "plan": to_json(plan),
    }

    done = await performed(agent, task_input, task_type="estimate")

    assert from_json(done.output) == produce(claims, placed, plan, text="A platform.", currency="CHF")
    assert [percent for percent, _ in done.progress] == [10, 90]


async def test_the_agent_works_with_nothing() -> None:
    done = await performed(agent, {}, task_type="estimate")

    assert done.failure is None
    assert from_json(done.output).degraded
