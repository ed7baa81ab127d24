"""Every figure is recomputed here by other means than those that made it."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import Predecessor

Outputs = dict[str, AgentOutput]
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {"max": max, "min": min, "ceil": math.ceil, "round": round}


def evaluated(expression: str, names: Mapping[str, float]) -> float:
    """Return what a formula comes to; only arithmetic and a few functions are known."""

    def of(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return names[name]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -of(inner)
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](of(left), of(right))
            case ast.Call(func=ast.Name(id=name), args=given):
                return _FUNCTIONS[name](*map(of, given))
            case _:
                raise AssertionError(ast.dump(node))

    return of(ast.parse(expression, mode="eval").body)


def test_formulas_of_the_sizing_come_to_what_they_say(outputs: Outputs) -> None:
    formulas = outputs["infrastructure"].infrastructure.sizing.formulas
    assert formulas
    for formula in formulas:
        assert evaluated(formula.expr, formula.inputs) == pytest.approx(formula.result, rel=1e-6), formula.name


def test_availability_is_that_of_its_chain(outputs: Outputs) -> None:
    availability = outputs["infrastructure"].infrastructure.availability
    product = 1.0
    for link in availability.chain:
        down = 1 - link.single / 100
        assert link.combined / 100 == pytest.approx(1 - down**link.replicas, rel=1e-9)
        product *= link.combined / 100
    assert availability.computed / 100 == pytest.approx(product, rel=1e-6)


def test_the_schedule_is_that_of_the_longest_path(outputs: Outputs) -> None:
    plan = outputs["plan"].plan
    by_id = {each.id: each for each in plan.activities}
    starts: dict[str, float] = {}

    def start(activity_id: str) -> float:
        if activity_id not in starts:
            activity, earliest = by_id[activity_id], 0.0
            for before in activity.predecessors:
                began = start(before.id) + before.lag_days
                ended = began + by_id[before.id].duration_days
                match before.type:
                    case Predecessor.FS:
                        earliest = max(earliest, ended)
                    case Predecessor.SS:
                        earliest = max(earliest, began)
                    case Predecessor.FF:
                        earliest = max(earliest, ended - activity.duration_days)
            starts[activity_id] = earliest
        return starts[activity_id]

    ends = [start(each.id) + each.duration_days for each in plan.activities]
    assert plan.project_duration_days == pytest.approx(max(ends), abs=0.05)
    for activity in plan.activities:
        assert activity.ef == pytest.approx(activity.es + activity.duration_days, abs=0.02)
        assert activity.total_float == pytest.approx(activity.ls - activity.es, abs=0.02)
        assert activity.total_float >= -0.02
        assert activity.critical == (activity.total_float <= 0.02)
        assert activity.expected_hours == pytest.approx(
            (activity.o_hours + 4 * activity.m_hours + activity.p_hours) / 6, abs=0.1
        )


def test_the_breakdown_adds_up(outputs: Outputs) -> None:
    plan = outputs["plan"].plan
    for parent in plan.wbs:
        children = [each.hours for each in plan.wbs if each.HasField("parent") and each.parent == parent.id]
        if children:
            assert parent.hours == pytest.approx(sum(children), abs=0.1), parent.name


def test_every_total_is_the_sum_of_its_parts_to_the_cent(outputs: Outputs) -> None:
    finance = outputs["finance"].finance
    for environment in finance.infra_costs.environments:
        assert environment.monthly_total_cents == sum(line.monthly_cents for line in environment.lines)
    assert finance.infra_costs.monthly_total_cents == sum(
        each.monthly_total_cents for each in finance.infra_costs.environments
    )
    assert finance.tco.total_cents == sum(row.total_cents for row in finance.tco.rows)
    for row in finance.tco.rows:
        assert row.total_cents == row.capex_cents + row.opex_cents
    for cost in finance.build_costs:
        exact = Fraction(cost.hours) * cost.rate_cents
        assert abs(exact - cost.amount_cents) <= 1, cost
    for line in (line for each in finance.infra_costs.environments for line in each.lines):
        assert line.price_not_found == (line.unit_price == ""), line


def test_the_present_value_is_that_of_the_flows(outputs: Outputs) -> None:
    finance = outputs["finance"].finance
    value = sum(flow.net_cents / (1 + finance.npv.rate) ** flow.year for flow in finance.cashflow)

    assert finance.npv.value_cents == pytest.approx(value, abs=len(finance.cashflow) + 1)
