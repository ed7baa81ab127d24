"""What an assessment must be to be right: every total is the sum of its parts, and every node has its line."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archwright.agents.v1.accountant_pb2 import FinancialAssessment
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with an assessment."""
    made = output.finance
    yield from _totals(made)
    for cost in made.build_costs:
        if abs(Fraction(cost.hours) * cost.rate_cents - cost.amount_cents) > 1:
            yield wrong("AMOUNT_UNTRUE", f"{cost.id} is not hours times rate.", cost.id)
    for line in (line for one in made.infra_costs.environments for line in one.lines):
        if line.price_not_found != (line.unit_price == ""):
            yield wrong("PRICE_SILENT", f"The line of {line.node_id} has no price and does not say so.", line.node_id)
    priced = {line.node_id for one in made.infra_costs.environments for line in one.lines}
    for node in given.of("infrastructure").infrastructure.nodes:
        if node.id not in priced:
            yield wrong("NODE_UNPRICED", f"{node.id} has no line of cost.", node.id)
    if made.cashflow:
        worth = sum(flow.net_cents / (1 + made.npv.rate) ** flow.year for flow in made.cashflow)
        if abs(worth - made.npv.value_cents) > len(made.cashflow) + 1:
            yield wrong("WORTH_UNTRUE", f"The flows are worth {worth / 100:.2f} today, not what the assessment says.")


def _totals(made: FinancialAssessment) -> Iterator[Finding]:
    for one in made.infra_costs.environments:
        if one.monthly_total_cents != sum(line.monthly_cents for line in one.lines):
            yield wrong("SUM_UNTRUE", f"The lines of {one.name} do not add up.", one.name)
    if made.infra_costs.monthly_total_cents != sum(one.monthly_total_cents for one in made.infra_costs.environments):
        yield wrong("SUM_UNTRUE", "The environments do not add up to what infrastructure costs a month.")
    for row in made.tco.rows:
        if row.total_cents != row.capex_cents + row.opex_cents:
            yield wrong("SUM_UNTRUE", f"Year {row.year} is not what is invested and what is run.")
    if made.tco.total_cents != sum(row.total_cents for row in made.tco.rows):
        yield wrong("SUM_UNTRUE", "The years do not add up to the total cost of ownership.")
